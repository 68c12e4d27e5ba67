using System.Collections.Immutable;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Leases;
using StackExchange.Redis;

namespace SseApp.Gateway.Operators;

/// <summary>
/// Replaces the processes of all ready replicas, one after the other. A lease keeps it to one reload in the cluster; when
/// this gateway ends, the reload does too, between the steps of two replicas or within one.
/// </summary>
internal sealed partial class RollingReload(
    ReplicaDirectory directory,
    ReplicaReplacement replacement,
    RedisLeases leases,
    ReloadStore store,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<RollingReload> logger)
{
    /// <summary>A reload without a sign of life for this long is over.</summary>
    public static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan s_renewal = TimeSpan.FromSeconds(2);

    private readonly string _owner = $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid():N}";

    /// <summary>Begins a reload, which goes on by itself.</summary>
    /// <param name="trigger">See <see cref="ReloadStatus.Trigger"/>.</param>
    /// <param name="cancellationToken">Ends the beginning, not the reload.</param>
    /// <returns>The reload; null when another one is under way or a replica is leaving for its memory.</returns>
    /// <exception cref="ReloadFailedException">There is nothing to reload.</exception>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<ReloadStatus?> TryStartAsync(string trigger, CancellationToken cancellationToken)
    {
        ImmutableArray<ReplicaRecord> targets = [.. directory.Replicas.Where(replica => replica.State == ReplicaState.Ready)];
        if (targets.IsEmpty)
        {
            throw new ReloadFailedException("No replica is ready, so there is nothing to reload.");
        }

        // An owner for each reload: the same gateway must not enter its own lease a second time.
        var owner = $"{_owner}-{Guid.NewGuid():N}";
        if (!await leases.TryAcquireAsync(LeaseNames.Reload, owner, LeaseDuration, cancellationToken))
        {
            return null;
        }

        var now = time.GetUtcNow();
        var status = new ReloadStatus
        {
            Id = Guid.NewGuid().ToString("N")[..12],
            State = ReloadState.Running,
            Trigger = trigger,
            Gateway = Environment.MachineName,
            StartedAt = now,
            UpdatedAt = now,
            Detail = $"Reloading {targets.Length} replicas, one at a time.",
            Steps = [.. targets.Select(target => new ReloadStep(target.Id, ReloadState.Pending))],
        };
        await store.WriteAsync(status, cancellationToken);
        LogStarted(status.Id, targets.Length, trigger);
        _ = Task.Run(() => RunAsync(status, targets, owner), CancellationToken.None);
        return status;
    }

    /// <summary>The newest reload of any gateway, or null.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<ReloadStatus?> ReadAsync(CancellationToken cancellationToken)
    {
        var status = await store.ReadAsync(cancellationToken);
        return status is { State: ReloadState.Running } && (time.GetUtcNow() - status.UpdatedAt).Duration() > LeaseDuration
            ? status with { State = ReloadState.Interrupted, Detail = "The gateway that ran this reload stopped or lost its connection to Redis. Start the reload again; replicas that were already reloaded are simply reloaded again." }
            : status;
    }

    private async Task RunAsync(ReloadStatus status, ImmutableArray<ReplicaRecord> targets, string owner)
    {
        using var progress = new ReloadProgress(status, store, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        var renewing = RenewAsync(progress, owner, ended);
        try
        {
            for (var index = 0; index < targets.Length; index++)
            {
                await ReplaceAsync(progress, index, targets[index], ended.Token);
            }

            await progress.FinishAsync(ReloadState.Succeeded, $"{targets.Length} replicas were reloaded.");
            LogFinished(progress.Status.Id, targets.Length, progress.Seconds);
        }
        catch (ReloadFailedException exception)
        {
            await EndAsync(progress, ReloadState.Failed, exception.Message);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            await EndAsync(progress, ReloadState.Interrupted, lifetime.ApplicationStopping.IsCancellationRequested
                ? "The gateway that ran this reload was stopped."
                : "The gateway that ran this reload lost its lease on it, because Redis was unavailable or lost its data.");
        }
#pragma warning disable CA1031 // Nobody awaits this task: whatever stops a reload must be reported.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogError(progress.Status.Id, exception);
            await EndAsync(progress, ReloadState.Failed, RedisErrors.IsUnavailable(exception)
                ? "Redis, which carries the commands to the replicas, did not answer."
                : exception.Message);
        }
        finally
        {
            await ended.CancelAsync();
            await renewing;
            await ReleaseAsync(owner);
        }
    }

    private async Task ReplaceAsync(ReloadProgress progress, int index, ReplicaRecord target, CancellationToken cancellationToken)
    {
        var now = directory.Replicas.FirstOrDefault(record => record.Id == target.Id && record.StartedAt == target.StartedAt);
        if (now is not { State: ReplicaState.Ready })
        {
            // It left by itself meanwhile, or somebody drained it: it is replaced already or not to be touched.
            await progress.StepAsync(index, step => step with { State = ReloadState.Succeeded, Seconds = 0 });
            return;
        }

        var started = time.GetTimestamp();
        var streams = replacement.Streams();
        await progress.StepAsync(index, step => step with { State = ReloadState.Running, Streams = now.Connections });
        try
        {
            await replacement.RestartAsync(now, cancellationToken);
            await progress.StepAsync(index, step => step with { State = ReloadState.Returning });
            await replacement.StreamsBackAsync(now, streams, cancellationToken);
        }
        catch (ReloadFailedException)
        {
            await progress.StepAsync(index, step => step with { State = ReloadState.Failed });
            throw;
        }

        var seconds = Math.Round(time.GetElapsedTime(started).TotalSeconds, 1);
        await progress.StepAsync(index, step => step with { State = ReloadState.Succeeded, Seconds = seconds });
        LogReplaced(target.Id, index + 1, progress.Status.Steps.Length, now.Connections, seconds);
    }

    private async Task RenewAsync(ReloadProgress progress, string owner, CancellationTokenSource ended)
    {
        var renewed = time.GetTimestamp();
        while (!ended.IsCancellationRequested)
        {
            await Task.Delay(s_renewal, time, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ended.IsCancellationRequested)
            {
                return;
            }

            try
            {
                if (!await leases.TryAcquireAsync(LeaseNames.Reload, owner, LeaseDuration, ended.Token))
                {
                    await ended.CancelAsync();
                    return;
                }

                renewed = time.GetTimestamp();
                await progress.TouchAsync();
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                if (time.GetElapsedTime(renewed) > LeaseDuration)
                {
                    await ended.CancelAsync();
                }
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task EndAsync(ReloadProgress progress, ReloadState state, string detail)
    {
        LogStopped(progress.Status.Id, detail);
        try
        {
            await progress.FinishAsync(state, detail);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // Readers take a reload without a sign of life for interrupted.
            LogError(progress.Status.Id, exception);
        }
    }

    private async Task ReleaseAsync(string owner)
    {
        try
        {
            await leases.ReleaseAsync(LeaseNames.Reload, owner, CancellationToken.None).WaitAsync(s_renewal, time);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            LogReleaseFailed(LeaseDuration.TotalSeconds, exception);
        }
    }

    [LoggerMessage(LogLevel.Information, "Rolling reload {Id} of {Count} replicas begins ({Trigger}).")]
    private partial void LogStarted(string id, int count, string trigger);

    [LoggerMessage(LogLevel.Information, "Replica {Id} was reloaded ({Index} of {Count}): {Streams} streams, {Seconds} s.")]
    private partial void LogReplaced(string id, int index, int count, int streams, double seconds);

    [LoggerMessage(LogLevel.Information, "Rolling reload {Id} is done: {Count} replicas in {Seconds:0.0} s.")]
    private partial void LogFinished(string id, int count, double seconds);

    [LoggerMessage(LogLevel.Error, "Rolling reload {Id} stopped: {Detail}")]
    private partial void LogStopped(string id, string detail);

    [LoggerMessage(LogLevel.Warning, "Rolling reload {Id} failed with an unexpected error.")]
    private partial void LogError(string id, Exception exception);

    [LoggerMessage(LogLevel.Debug, "The lease of the reload could not be released; it ends within {Seconds} s.")]
    private partial void LogReleaseFailed(double seconds, Exception exception);
}
