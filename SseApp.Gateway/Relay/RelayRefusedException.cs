namespace SseApp.Gateway.Relay;

/// <summary>A replica does not take relay connections, whatever the registry says of it; something between may be in the way.</summary>
internal sealed class RelayRefusedException(string message) : Exception(message);
