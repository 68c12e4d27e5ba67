namespace SseApp.Gateway.Replicas;

/// <summary>Keeps the <see cref="ReplicaDirectory"/> current: one read a heartbeat, and every announcement at once.</summary>
internal sealed partial class ReplicaDirectoryUpdater(
    IReplicaRegistry registry,
    ReplicaDirectory directory,
    AllowedReplicas allowed,
    IOptions<ReplicaRegistryOptions> options,
    TimeProvider time,
    ILogger<ReplicaDirectoryUpdater> logger) : BackgroundService
{
    // The server starts listening after this; a gateway that knows its replicas refuses nobody at start.
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(2);

    private HashSet<Uri> _shared = [];
    private bool _unavailable;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ReadAsync(cancellationToken).WaitAsync(s_startLimit, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            LogSlowStart(s_startLimit.TotalSeconds);
        }

        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(PollAsync(stoppingToken), FollowAsync(stoppingToken));

    private async Task PollAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.Value.HeartbeatInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await ReadAsync(cancellationToken);
            ReportShared();
        }
    }

    private void ReportShared()
    {
        var shared = directory.Shared();
        foreach (var problem in shared.Where(problem => !_shared.Contains(problem.Address)))
        {
            LogShared(problem);
        }

        _shared = [.. shared.Select(problem => problem.Address)];
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            long announcements;
            IReadOnlyList<ReplicaRecord> live;
            do
            {
                announcements = directory.Announcements;
                live = [.. (await registry.ReadAsync(cancellationToken)).Where(allowed.Contains)];
            }
            while (!directory.TryReplace(live, announcements));

            if (_unavailable)
            {
                _unavailable = false;
                LogRegistryBack(live.Count);
            }
        }
        catch (Exception exception) when (IsRegistryFailure(exception))
        {
            directory.ReadFailed();
            if (!_unavailable)
            {
                _unavailable = true;
                LogRegistryUnavailable(directory.Replicas.Count, RedisErrors.Reason(exception));
            }
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var change in registry.WatchAsync(cancellationToken))
                {
                    if (change.Record is not { } record || allowed.Contains(record))
                    {
                        directory.Apply(change);
                    }
                }
            }
            catch (Exception exception) when (IsRegistryFailure(exception))
            {
                LogWatchFailed(exception);
            }

            await Task.Delay(options.Value.HeartbeatInterval, time, cancellationToken);
        }
    }

    // RedisTimeoutException is a TimeoutException; a record that does not parse comes from a newer or foreign writer.
    private static bool IsRegistryFailure(Exception exception) =>
        RedisErrors.IsUnavailable(exception) || exception is JsonException;

    [LoggerMessage(LogLevel.Warning, "The replica registry did not answer within {Seconds} s; starting without knowing the replicas.")]
    private partial void LogSlowStart(double seconds);

    [LoggerMessage(LogLevel.Warning, "{Problem} The one that answers there gets requests.")]
    private partial void LogShared(SharedAddress problem);

    [LoggerMessage(LogLevel.Warning, "The replica registry does not answer; keeping the {Count} known replicas and trusting the health checks. {Reason}")]
    private partial void LogRegistryUnavailable(int count, string reason);

    [LoggerMessage(LogLevel.Information, "The replica registry answers again and holds {Count} replicas.")]
    private partial void LogRegistryBack(int count);

    [LoggerMessage(LogLevel.Debug, "Following the registry's announcements failed; subscribing again.")]
    private partial void LogWatchFailed(Exception exception);
}
