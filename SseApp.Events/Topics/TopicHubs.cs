using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Events.Topics;

/// <summary>
/// The hubs of this replica. A hub exists from a topic's first local subscriber until a grace period after its last; for a topic
/// without a log there is no such period, because anybody can make up names of topics.
/// </summary>
internal sealed partial class TopicHubs(
    ITopicLog log,
    ShardSet shards,
    EventsMetrics metrics,
    TimeProvider time,
    CatchUpTurns turns,
    RingBudget budget,
    IOptions<TopicsOptions> options,
    IOptions<TopicLogOptions> logOptions,
    ILogger<TopicHubs> logger,
    TopicMetrics? measured = null,
    ArchiveHistory? archive = null,
    ArchiveMetrics? sources = null)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TopicHub> _hubs = new(StringComparer.Ordinal);
    private readonly HubRate _rate = new(options.Value.NewHubsPerSecond, time);
    private long _markedAt = time.GetTimestamp();

    /// <summary>Asks whether a stream of these topics may begin, as far as they need hubs that do not exist.</summary>
    public bool TryAdmit(IReadOnlyList<string> topics)
    {
        lock (_gate)
        {
            return _rate.TryTake(topics.Count(topic => !_hubs.TryGetValue(topic, out var hub) || hub.Stopping is not null));
        }
    }

    /// <summary>Counts one subscriber in for each of the topics, if all their channels are subscribed to.</summary>
    /// <returns>Null when one of them has to be waited for; nothing was counted.</returns>
    public TopicHub[]? TryAcquire(string[] topics)
    {
        var acquired = new TopicHub[topics.Length];
        lock (_gate)
        {
            for (var i = 0; i < topics.Length; i++)
            {
                if (!_hubs.TryGetValue(topics[i], out var hub) || hub is not { Stopping: null, Starting.IsCompletedSuccessfully: true })
                {
                    return null;
                }

                acquired[i] = hub;
            }

            Array.ForEach(acquired, static hub => hub.Subscribers++);
        }

        return acquired;
    }

    /// <summary>Where a stream of these hubs' topics begins.</summary>
    /// <returns>Null when memory does not have all that the client missed: then each hub is to be asked.</returns>
    public static StreamStart[]? FindStarts(TopicHub[] hubs, ResumePoint resumePoint)
    {
        if (resumePoint is not { From: null, Unknown: false, Positions: { } positions })
        {
            return null;
        }

        var markBits = PositionCodec.MarkBits(positions);
        var starts = new StreamStart[hubs.Length];
        for (var slot = 0; slot < starts.Length; slot++)
        {
            if (!hubs[slot].TryFindStart(positions[slot], markBits, out starts[slot]))
            {
                return null;
            }
        }

        return starts;
    }

    /// <summary>Counts one subscriber in and waits until the topic's channel is subscribed to.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis refused or is unreachable; nothing was counted.</exception>
    /// <exception cref="TimeoutException">Redis did not answer in time; nothing was counted.</exception>
    public async Task<TopicHub> AcquireAsync(string topic, TimeSpan timeout, CancellationToken cancellationToken)
    {
        while (true)
        {
            TopicHub hub;
            Task wait;
            lock (_gate)
            {
                if (!_hubs.TryGetValue(topic, out hub!))
                {
                    hub = new TopicHub(topic, log, shards.All, turns, budget, logOptions.Value.RetentionOf(topic).IdleExpiry, time, logger, archive?.Covers(topic) == true ? archive : null, sources)
                    {
                        // Spread over the interval, so that many topics are not checked at once.
                        NextCheck = time.GetTimestamp() + (long)(CheckTicks * Random.Shared.NextDouble()),
                    };
                    _hubs.Add(topic, hub);
                    measured?.Add(hub);
                    metrics.AddTopics(1);
                }

                if (hub.Stopping is null)
                {
                    hub.Subscribers++;
                    hub.Starting ??= StartAsync(hub);
                }

                wait = hub.Stopping ?? hub.Starting!;
            }

            var acquired = wait == hub.Starting;
            try
            {
                await wait.WaitAsync(timeout, time, cancellationToken);
            }
            catch when (acquired)
            {
                Release(hub);
                throw;
            }

            if (acquired)
            {
                return hub;
            }
        }
    }

    public void Release(TopicHub hub)
    {
        lock (_gate)
        {
            if (--hub.Subscribers == 0)
            {
                hub.IdleSince = time.GetTimestamp();
                // One whose start failed is no more, and another one may have its place.
                if (_hubs.TryGetValue(hub.Topic, out var current) && ReferenceEquals(hub, current))
                {
                    StopIfIdle(hub, TimeSpan.MaxValue);
                }
            }
        }
    }

    /// <summary>Subscribers of the topic on this replica.</summary>
    public int LocalSubscribers(string topic)
    {
        lock (_gate)
        {
            return _hubs.TryGetValue(topic, out var hub) ? hub.Subscribers : 0;
        }
    }

    /// <summary>Topics with subscribers on this replica, in ordinal order, without those of canaries.</summary>
    /// <param name="prefix">What their names begin with.</param>
    /// <param name="after">Only names behind this one; null for all.</param>
    /// <param name="limit">So many at most.</param>
    public TopicActivity[] List(string prefix, string? after, int limit)
    {
        return [.. Visible(prefix).Where(hub => after is null || string.CompareOrdinal(hub.Topic, after) > 0).OrderBy(hub => hub.Topic, StringComparer.Ordinal).Take(limit).Select(Describe)];
    }

    /// <summary>Of the same topics those with the most writes a second, then with the most subscribers.</summary>
    public TopicActivity[] ListBusiest(string prefix, int limit) =>
        [.. Visible(prefix).Select(Describe).OrderByDescending(topic => topic.DeliverRate).ThenByDescending(topic => topic.Subscribers).ThenBy(topic => topic.Topic, StringComparer.Ordinal).Take(limit)];

    private TopicHub[] Visible(string prefix)
    {
        lock (_gate)
        {
            return [.. _hubs.Values.Where(hub => hub.Subscribers > 0 && !TopicName.IsCanary(hub.Topic) && hub.Topic.StartsWith(prefix, StringComparison.Ordinal))];
        }
    }

    private TopicActivity Describe(TopicHub hub)
    {
        var (publish, deliver) = hub.Rates.Since(time);
        return new TopicActivity(hub.Topic, hub.Subscribers, publish, deliver);
    }

    /// <summary>Ends the subscriptions of topics that had no subscriber for the grace period, and marks the time for the rates.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var mark = time.GetElapsedTime(_markedAt, now) >= TopicRates.MarkInterval;
            _markedAt = mark ? now : _markedAt;
            foreach (var hub in _hubs.Values)
            {
                if (mark)
                {
                    hub.Rates.MarkNow(now);
                }

                StopIfIdle(hub, options.Value.UnsubscribeGrace);
            }
        }
    }

    /// <summary>Lets each topic compare itself with its log when it is due.</summary>
    public void CheckDue()
    {
        var now = time.GetTimestamp();
        lock (_gate)
        {
            foreach (var hub in _hubs.Values)
            {
                if (hub.NextCheck <= now)
                {
                    hub.NextCheck = now + CheckTicks;
                    _ = CheckAsync(hub);
                }
            }
        }
    }

    /// <summary>Lets all topics compare themselves with their logs.</summary>
    public void CheckAll()
    {
        lock (_gate)
        {
            foreach (var hub in _hubs.Values)
            {
                _ = CheckAsync(hub);
            }
        }
    }

    private long CheckTicks => (long)(options.Value.CheckInterval.TotalSeconds * time.TimestampFrequency);

    private void StopIfIdle(TopicHub hub, TimeSpan grace)
    {
        // One that is still starting is seen to by the next sweep, and so is a grace period that is over.
        if (hub is { Subscribers: 0, Stopping: null, Starting: null or { IsCompleted: true } }
            && (time.GetElapsedTime(hub.IdleSince) >= grace || !hub.HasLog))
        {
            hub.Stopping = StopAsync(hub);
        }
    }

    private async Task CheckAsync(TopicHub hub)
    {
        try
        {
            await hub.CheckAsync();
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // All topics are checked again when Redis is reachable again.
            LogCheckFailed(hub.Topic, exception);
        }
    }

    private async Task StartAsync(TopicHub hub)
    {
        // Leaves the caller's lock before any work is done.
        await Task.Yield();
        try
        {
            await hub.StartAsync();
            metrics.AddSubscriptions(1);
        }
        catch
        {
            // Whoever comes next starts anew; those who wait for this start get its exception.
            lock (_gate)
            {
                Forget(hub);
            }

            throw;
        }
    }

    private async Task StopAsync(TopicHub hub)
    {
        await Task.Yield();
        try
        {
            await hub.StopAsync();
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // The handler is gone either way; a server that is unreachable has no subscription of ours either.
            LogUnsubscribeFailed(hub.Topic, exception);
        }
        finally
        {
            hub.Dispose();
            metrics.AddSubscriptions(-1);
            lock (_gate)
            {
                Forget(hub);
            }
        }
    }

    private void Forget(TopicHub hub)
    {
        _hubs.Remove(hub.Topic);
        measured?.Remove(hub);
        metrics.AddTopics(-1);
    }

    [LoggerMessage(LogLevel.Debug, "Redis was unreachable while topic {Topic} was compared with its log.")]
    private partial void LogCheckFailed(string topic, Exception exception);

    [LoggerMessage(LogLevel.Debug, "Redis was unreachable while topic {Topic} was unsubscribed.")]
    private partial void LogUnsubscribeFailed(string topic, Exception exception);
}
