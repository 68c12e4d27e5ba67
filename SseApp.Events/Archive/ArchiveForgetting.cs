using SseApp.Events.Log;
using StackExchange.Redis;

namespace SseApp.Events.Archive;

/// <summary>Hears from other replicas that history of a topic was erased or deleted, so that no page of it is served from memory.</summary>
internal sealed partial class ArchiveForgetting(IConnectionMultiplexer redis, ArchiveShards shards, ArchivePages pages, ITopicLog log, TimeProvider time, ILogger<ArchiveForgetting> logger) : BackgroundService
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    /// <summary>Tells all replicas, this one first.</summary>
    public Task ForgetAsync(string topic)
    {
        pages.Forget(topic);
        return redis.GetSubscriber().PublishAsync(shards.ForgetChannel, topic);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // What was said while Redis was away is not known.
        log.Restored += (_, _) => pages.Forget(null);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var messages = await redis.GetSubscriber().SubscribeAsync(shards.ForgetChannel);
                pages.Forget(null);
                messages.OnMessage(message => pages.Forget(message.Message));
                return;
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                LogNotSubscribed(exception.Message);
                await Task.Delay(s_retry, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(LogLevel.Debug, "Redis was unreachable; what others erase from the archive is not heard yet: {Reason}")]
    private partial void LogNotSubscribed(string reason);
}
