namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>How many streams a replica has begun to end.</summary>
public sealed record DisconnectResult(int Disconnected);
