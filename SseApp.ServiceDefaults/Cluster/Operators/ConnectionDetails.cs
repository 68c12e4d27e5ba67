namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>One open stream.</summary>
/// <param name="Id">As in its <c>stream.open</c>; 16 hexadecimal digits.</param>
/// <param name="Replica">The replica that holds it.</param>
/// <param name="Client">Address of the client, as the gateway tells it; null if nobody knows.</param>
/// <param name="Topics">What it is subscribed to.</param>
/// <param name="ConnectedAt">When it was opened.</param>
/// <param name="BacklogBytes">What waits for a client that reads slowly; 0 for most.</param>
public sealed record ConnectionDetails(
    string Id, string Replica, string? Client, IReadOnlyList<string> Topics, DateTimeOffset ConnectedAt, long BacklogBytes);
