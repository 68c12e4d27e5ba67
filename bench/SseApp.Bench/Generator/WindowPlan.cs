namespace SseApp.Bench.Generator;

/// <summary>
/// Publishes as soon as fewer than <paramref name="window"/> events are on their way: the highest rate that a server
/// sustains with that many in flight, without ever flooding it.
/// </summary>
/// <param name="lanes">Where to publish, in turn.</param>
/// <param name="window">Events not yet delivered to every stream.</param>
/// <param name="batch">Events a request.</param>
/// <param name="inFlight">Events sent and not yet delivered to every stream.</param>
/// <param name="lines">Events go as lines of publishes that stream, <paramref name="batch"/> at a time: so many of each may be under way.</param>
internal sealed class WindowPlan(Lane[] lanes, int window, int batch, Func<long> inFlight, int lines = 0) : IPublishPlan
{
    private int _next;

    public int Lines => lines;

    public bool TryTake(long now, List<Outgoing> taken, out long due)
    {
        due = long.MaxValue;
        if (inFlight() + batch > window)
        {
            return false;
        }

        // A lane that still waits for its answer is passed over.
        for (var looked = 0; looked < lanes.Length && taken.Count < batch; looked++)
        {
            var lane = lanes[_next];
            _next = (_next + 1) % lanes.Length;
            if (!lane.Busy)
            {
                taken.Add(new Outgoing(lane, lane.Next()));
            }
        }

        return taken.Count > 0;
    }
}
