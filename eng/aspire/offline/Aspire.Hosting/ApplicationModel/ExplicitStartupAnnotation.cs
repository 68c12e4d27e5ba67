namespace Aspire.Hosting.ApplicationModel;

/// <summary>The resource starts only when its start command is used.</summary>
public sealed class ExplicitStartupAnnotation : IResourceAnnotation;
