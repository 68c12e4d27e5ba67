namespace SseApp.Events.Topics;

/// <summary>
/// How many hubs may begin in a second (<see cref="TopicsOptions.NewHubsPerSecond"/>): each is a subscription in Redis and a
/// read of a log. A token bucket that holds a second's worth. Whoever finds anything in it gets all the hubs of its stream, and
/// the next ones wait until that is made up for: a stream of many topics could not begin otherwise where many begin.
/// Guarded by the lock of <see cref="TopicHubs"/>.
/// </summary>
internal sealed class HubRate(int perSecond, TimeProvider time)
{
    private double _tokens = perSecond;
    private long _at = time.GetTimestamp();

    /// <param name="hubs">Of one stream.</param>
    public bool TryTake(int hubs)
    {
        if (perSecond == 0 || hubs == 0)
        {
            return true;
        }

        var now = time.GetTimestamp();
        _tokens = Math.Min(perSecond, _tokens + (time.GetElapsedTime(_at, now).TotalSeconds * perSecond));
        _at = now;
        if (_tokens < 1)
        {
            return false;
        }

        _tokens -= hubs;
        return true;
    }
}
