using SseApp.Gateway.Replicas;

namespace SseApp.Gateway.Operators;

/// <summary>Begins a rolling reload when the oldest replica is old enough. Every gateway looks; the reload's lease picks one.</summary>
internal sealed partial class Recycler(
    IServiceProvider services, ReplicaDirectory directory, IOptions<RecycleOptions> options, TimeProvider time, ILogger<Recycler> logger)
    : BackgroundService
{
    private readonly TimeSpan _every = options.Value.Every * (1 + (options.Value.Jitter * Random.Shared.NextDouble()));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Every == TimeSpan.Zero)
        {
            return;
        }

        // Not in the constructor: a gateway without Redis connection, which does not recycle, must start.
        var reload = services.GetRequiredService<RollingReload>();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Math.Clamp(_every.TotalMilliseconds / 10, 100, 60_000)), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                // A reload that failed is not repeated before its time: somebody should look at it first.
                if (IsOld() && (await reload.ReadAsync(stoppingToken) is not { } last || time.GetUtcNow() - last.StartedAt > _every))
                {
                    await reload.TryStartAsync("schedule", stoppingToken);
                }
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || exception is ReloadFailedException)
            {
                LogPutOff(RedisErrors.Reason(exception));
            }
        }
    }

    private bool IsOld() =>
        directory.Replicas.Any(replica => replica.State == ReplicaState.Ready && time.GetUtcNow() - replica.StartedAt > _every);

    [LoggerMessage(LogLevel.Warning, "The scheduled reload is postponed. {Reason}")]
    private partial void LogPutOff(string reason);
}

/// <summary>Section <c>Recycle</c>: rolling reloads by the clock, for services that leak.</summary>
public sealed class RecycleOptions
{
    public const string SectionName = "Recycle";

    /// <summary>A reload begins when the oldest replica is older than this. Default 0: never.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00")]
    public TimeSpan Every { get; set; }

    /// <summary>Each gateway waits longer by up to this share, so that clusters do not reload in step. 0 to 1; default 0.1.</summary>
    [Range(0, 1)]
    public double Jitter { get; set; } = 0.1;
}
