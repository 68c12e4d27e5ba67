using System.Collections.Concurrent;
using StackExchange.Redis;

namespace SseApp.Events.Log;

/// <summary>
/// The channels of topics. On a Redis Cluster whose servers can they are sharded, so that an event goes to the nodes of its topic's
/// slot and not to all. That is found out and not set, again each second while there is something to do: servers are replaced
/// by newer ones while this process runs, and then its subscriptions move.
/// </summary>
internal sealed class TopicChannels(IConnectionMultiplexer redis, ClusterOptions cluster, TimeProvider time, Func<IConnectionMultiplexer, bool?> areSharded)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<TopicSubscription, bool> _subscriptions = new();
    private long _lookedAt;
    private volatile bool _sharded;
    private volatile bool _unmoved;

    /// <summary>How events are announced and listened to now.</summary>
    public bool AreSharded
    {
        get
        {
            Look();
            return _sharded;
        }
    }

    public RedisChannel Of(string topic, bool sharded)
    {
        var name = cluster.ChannelOf(topic);
        return sharded ? RedisChannel.Sharded(name) : RedisChannel.Literal(name);
    }

    /// <summary>Calls back in the order of the channel, one call at a time, except that while the subscription moves two may come at once.</summary>
    public async Task<IAsyncDisposable> SubscribeAsync(string topic, Action<ChannelMessage> onMessage)
    {
        var sharded = AreSharded;
        var subscription = new TopicSubscription(redis.GetSubscriber(), kind => Of(topic, kind), onMessage, ended => _subscriptions.TryRemove(ended, out _));
        await subscription.MoveAsync(sharded);
        _subscriptions.TryAdd(subscription, true);
        // It may have changed since, when this one was not in the list yet.
        _unmoved |= sharded != _sharded;
        return subscription;
    }

    /// <summary>Looks whether the servers have become others.</summary>
    public void Look()
    {
        var last = Interlocked.Read(ref _lookedAt);
        if ((last != 0 && time.GetElapsedTime(last) < s_interval) || Interlocked.CompareExchange(ref _lookedAt, time.GetTimestamp(), last) != last)
        {
            return;
        }

        var sharded = areSharded(redis) ?? _sharded;
        if (sharded == _sharded && !_unmoved)
        {
            return;
        }

        (_sharded, _unmoved) = (sharded, false);
        foreach (var subscription in _subscriptions.Keys)
        {
            _ = MoveAsync(subscription, sharded);
        }
    }

    private async Task MoveAsync(TopicSubscription subscription, bool sharded)
    {
        try
        {
            await subscription.MoveAsync(sharded);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // The next look tries it again; what is missed meanwhile is found in the log.
            _unmoved = true;
        }
    }
}
