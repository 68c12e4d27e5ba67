using System.Collections.Concurrent;
using SseApp.Events.Log;

namespace SseApp.Events.Archive;

/// <summary>
/// Gathers the topics that this replica published to, and names them to their archivers a few times in each of their rounds: no publish waits for it.
/// </summary>
internal sealed partial class ArchiveHints(ArchiveShards shards, IOptions<ArchiveOptions> options, TimeProvider time, ILogger<ArchiveHints> logger) : BackgroundService, IAppendObserver
{
    private const int TimesPerRound = 5;

    private static readonly TimeSpan s_leastInterval = TimeSpan.FromMilliseconds(100);

    private readonly TimeSpan _interval = options.Value.Interval / TimesPerRound is var interval && interval > s_leastInterval ? interval : s_leastInterval;
    private readonly ConcurrentDictionary<string, bool> _topics = new(StringComparer.Ordinal);

    public void Appended(string topic)
    {
        // Most publishes find their topic in it.
        if (!_topics.ContainsKey(topic) && options.Value.RetentionOf(topic) is not null)
        {
            _topics.TryAdd(topic, true);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await TellAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(_interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await TellAsync();
        }
    }

    private async Task TellAsync()
    {
        string[] topics = [.. _topics.Keys];
        if (topics.Length == 0)
        {
            return;
        }

        // Taken out first: what is published from now on is to be told again.
        Array.ForEach(topics, topic => _topics.TryRemove(topic, out _));
        try
        {
            await shards.HintAsync(topics);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || RedisErrors.IsFull(exception))
        {
            LogNotTold(topics.Length, exception.Message);
            Array.ForEach(topics, topic => _topics.TryAdd(topic, true));
        }
    }

    [LoggerMessage(LogLevel.Debug, "That {Topics} topics have new events could not be told to their archivers: {Reason}")]
    private partial void LogNotTold(int topics, string reason);
}
