namespace SseApp.Events.Log;

/// <summary>What a topic's log holds: offsets <paramref name="First"/> to <paramref name="Last"/>; empty when First is greater.</summary>
internal sealed record LogRange(Epoch Epoch, long First, long Last);
