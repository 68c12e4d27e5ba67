namespace SseApp.Events.Log;

/// <summary>What a topic's log holds: offsets <paramref name="First"/> to that of <paramref name="End"/>; empty when First is greater.</summary>
internal sealed record LogRange(long First, LogEnd End)
{
    public Epoch Epoch => End.Position.Epoch;

    public long Last => End.Position.Offset;
}
