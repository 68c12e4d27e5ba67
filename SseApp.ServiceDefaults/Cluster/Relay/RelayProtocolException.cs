namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>The peer sent what the protocol does not allow; the connection cannot go on.</summary>
internal sealed class RelayProtocolException(string message) : IOException(message);
