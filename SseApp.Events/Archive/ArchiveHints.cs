using System.Collections.Concurrent;
using SseApp.Events.Log;

namespace SseApp.Events.Archive;

/// <summary>
/// Gathers the topics that this replica published to, and names them to their archivers a few times in each of their rounds: no publish waits for it.
/// Those that fill up are named as urgent, within a second.
/// </summary>
internal sealed partial class ArchiveHints(ArchiveShards shards, IOptions<ArchiveOptions> options, IOptions<TopicLogOptions> logOptions, TimeProvider time, ILogger<ArchiveHints> logger) : BackgroundService, IAppendObserver
{
    private const int TimesPerRound = 5;

    // The share of what may wait in Redis that makes a topic urgent, of what this replica alone published since it was last named.
    private const int UrgentShare = 8;

    private static readonly TimeSpan s_leastInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_urgentInterval = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _interval = options.Value.Interval / TimesPerRound is var share && share > s_leastInterval ? share : s_leastInterval;
    private readonly ConcurrentDictionary<string, Waiting> _topics = new(StringComparer.Ordinal);

    public void Appended(string topic, int bytes)
    {
        // Most publishes find their topic in it.
        if (!_topics.TryGetValue(topic, out var waiting))
        {
            if (options.Value.RetentionOf(topic) is null)
            {
                return;
            }

            waiting = _topics.GetOrAdd(topic, static _ => new Waiting());
        }

        waiting.Add(bytes);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await TellAsync(all: true);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var told = time.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(_interval < s_urgentInterval ? _interval : s_urgentInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var all = time.GetElapsedTime(told) >= _interval;
            told = all ? time.GetTimestamp() : told;
            await TellAsync(all);
        }
    }

    private async Task TellAsync(bool all)
    {
        var (urgent, others) = (new List<string>(), new List<string>());
        foreach (var (topic, waiting) in _topics)
        {
            var isUrgent = waiting.IsBeyond(logOptions.Value.MaxUnarchivedEvents / UrgentShare, logOptions.Value.MaxUnarchivedBytes / UrgentShare);
            // Taken out first: what is published from now on is to be told again.
            if ((all || isUrgent) && _topics.TryRemove(topic, out _))
            {
                (isUrgent ? urgent : others).Add(topic);
            }
        }

        await TellAsync(urgent, isUrgent: true);
        await TellAsync(others, isUrgent: false);
    }

    private async Task TellAsync(List<string> topics, bool isUrgent)
    {
        if (topics.Count == 0)
        {
            return;
        }

        try
        {
            await shards.HintAsync(topics, isUrgent);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || RedisErrors.IsFull(exception))
        {
            LogNotTold(topics.Count, exception.Message);
            topics.ForEach(topic => _topics.TryAdd(topic, new Waiting()));
        }
    }

    [LoggerMessage(LogLevel.Debug, "That {Topics} topics have new events could not be told to their archivers: {Reason}")]
    private partial void LogNotTold(int topics, string reason);

    /// <summary>What was published to a topic since it was named.</summary>
    private sealed class Waiting
    {
        private long _events;
        private long _bytes;

        public void Add(int bytes)
        {
            Interlocked.Increment(ref _events);
            Interlocked.Add(ref _bytes, bytes);
        }

        public bool IsBeyond(long events, long bytes) => Interlocked.Read(ref _events) > events || Interlocked.Read(ref _bytes) > bytes;
    }
}
