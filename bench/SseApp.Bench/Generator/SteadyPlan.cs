namespace SseApp.Bench.Generator;

/// <summary>A fixed rate over the lanes in turn. A publish that is late is not skipped.</summary>
/// <param name="lanes">Where to publish.</param>
/// <param name="rate">Events a second.</param>
internal sealed class SteadyPlan(Lane[] lanes, double rate) : IPublishPlan
{
    private readonly long _start = Payload.Now;
    private long _taken;

    public bool TryTake(long now, List<Outgoing> taken, out long due)
    {
        due = _start + (long)(_taken * 1_000_000 / rate);
        var lane = lanes[_taken % lanes.Length];
        if (now < due)
        {
            return false;
        }

        if (lane.Busy)
        {
            due = long.MaxValue;
            return false;
        }

        taken.Add(new Outgoing(lane, lane.Next()));
        _taken++;
        return true;
    }
}
