namespace SseApp.Bench.Archive;

/// <summary>Publishes many events of one topic after the other in each request: the fastest way to a history.</summary>
/// <param name="lane">Whose they are.</param>
/// <param name="events">How many in all.</param>
internal sealed class BatchPlan(Lane lane, long events) : IPublishPlan
{
    private const int Batch = 250;

    private readonly long _end = lane.Sent + events;

    public bool IsDone => lane.Sent >= _end && !lane.Busy;

    public bool TryTake(long now, List<Outgoing> taken, out long due)
    {
        due = long.MaxValue;
        while (!lane.Busy && lane.Sent < _end && taken.Count < Batch)
        {
            taken.Add(new Outgoing(lane, lane.Next()));
        }

        return taken.Count > 0;
    }
}
