namespace SseApp.Bench.Generator;

/// <summary>Sends number 0 on each lane once.</summary>
internal sealed class WarmUpPlan(IEnumerable<Lane> lanes) : IPublishPlan
{
    private readonly Queue<Lane> _left = new(lanes);

    public bool TryTake(long now, List<Outgoing> taken, out long due)
    {
        due = long.MaxValue;
        if (!_left.TryDequeue(out var lane))
        {
            return false;
        }

        taken.Add(new Outgoing(lane, 0));
        return true;
    }
}
