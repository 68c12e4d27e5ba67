using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <summary>
/// Looks for events that the channels lost: each topic in its turn, and all of them when Redis is reachable again.
/// </summary>
internal sealed class TopicCheck(ITopicLog log, TopicHubs hubs, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    // The client library reports the connection a moment before it has subscribed again to all channels.
    private static readonly TimeSpan s_secondLook = TimeSpan.FromSeconds(1);

    private long _restoredAt;
    private volatile bool _restored;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        log.Restored += OnRestored;
        try
        {
            while (true)
            {
                await Task.Delay(s_interval, time, stoppingToken);
                if (_restored && time.GetElapsedTime(Interlocked.Read(ref _restoredAt)) >= s_secondLook)
                {
                    _restored = false;
                    hubs.CheckAll();
                }

                hubs.CheckDue();
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
        finally
        {
            log.Restored -= OnRestored;
        }
    }

    private void OnRestored(object? sender, EventArgs e)
    {
        Interlocked.Exchange(ref _restoredAt, time.GetTimestamp());
        _restored = true;
        hubs.CheckAll();
    }
}
