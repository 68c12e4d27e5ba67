using SseApp.Events.FanOut;
using SseApp.Events.Replicas;
using SseApp.Events.Topics;

namespace SseApp.Events.Streams;

/// <summary>The one timer behind heartbeats, deadlines and the grace period of topics.</summary>
internal sealed class StreamClock(ShardSet shards, TopicHubs hubs, DrainState drain, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    // Spreads the ends of streams evenly over even a short drain window.
    private static readonly TimeSpan s_drainInterval = TimeSpan.FromMilliseconds(25);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            Array.ForEach(shards.All, static shard => shard.Tick());
            hubs.Sweep();
            try
            {
                await Task.Delay(drain.IsDraining ? s_drainInterval : s_interval, time, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
