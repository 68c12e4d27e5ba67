namespace Aspire.Hosting.ApplicationModel;

/// <summary>Whether anybody reads the console log of a resource.</summary>
public readonly record struct LogSubscriber(string Name, bool AnySubscribers);
