namespace SseApp.Gateway.Operators;

/// <summary>The reload must not go on; the message is for the operator.</summary>
internal sealed class ReloadFailedException(string message) : Exception(message);
