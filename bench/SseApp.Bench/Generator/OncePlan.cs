namespace SseApp.Bench.Generator;

/// <summary>The next event of each lane, in this order; a lane that is named again gets another one.</summary>
internal sealed class OncePlan(IEnumerable<Lane> lanes) : IPublishPlan
{
    private readonly Queue<Lane> _left = new(lanes);

    public bool IsDone => _left.Count == 0;

    public bool TryTake(long now, List<Outgoing> taken, out long due)
    {
        due = long.MaxValue;
        // One that still waits for its answer keeps those behind it waiting, too: there are many.
        if (!_left.TryPeek(out var lane) || lane.Busy)
        {
            return false;
        }

        taken.Add(new Outgoing(_left.Dequeue(), lane.Next()));
        return true;
    }
}
