namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>The service cannot start as configured; the message says what to do, and a stack trace would bury it.</summary>
internal sealed class StartupException(string message) : Exception(message);
