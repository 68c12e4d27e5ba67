using SseApp.ServiceDefaults.Cluster.Replicas;

namespace SseApp.AppHost.Supervision;

/// <summary>Supervises one instance (a replica, or a resource that has only one). States arrive one after the other.</summary>
internal sealed partial class SupervisedInstance(IResource resource, string id, RestartPolicy policy, SupervisorServices services)
{
    private readonly CrashCount _crashes = new(policy);
    private int _starts;
    private DateTimeOffset _startedAt;
    private DateTime? _endedAt;
    private bool _alive;
    private bool _stopRequested;
    private volatile bool _ownStart;
    private string? _gaveUp;
    private string _name = "";

    public async Task ObserveAsync(CustomResourceSnapshot snapshot)
    {
        var state = snapshot.State?.Text;
        if (state == KnownResourceStates.Starting || state == KnownResourceStates.Running)
        {
            OnAlive();
        }
        else if (state == KnownResourceStates.Stopping)
        {
            // Only a command does that: a process that ends by itself is never "Stopping".
            _stopRequested = true;
        }
        else if (state == KnownResourceStates.Finished || state == KnownResourceStates.Exited || state == KnownResourceStates.FailedToStart)
        {
            await OnEndedAsync(snapshot);
        }
    }

    private void OnAlive()
    {
        if (_alive)
        {
            return;
        }

        _alive = true;
        _stopRequested = false;
        if (_gaveUp is not null)
        {
            _gaveUp = null;
            services.Report.Add(new RestartRecord { Id = _name, At = services.Time.GetUtcNow(), Crash = false, Reason = "started by hand" });
        }

        _startedAt = services.Time.GetUtcNow();
        Interlocked.Increment(ref _starts);
        if (!_ownStart)
        {
            _crashes.Reset();
        }

        _ownStart = false;
    }

    private async Task OnEndedAsync(CustomResourceSnapshot snapshot)
    {
        if (!_alive)
        {
            if (_gaveUp is { } shown)
            {
                // The engine reported the old end once more and took our text away.
                await ShowAsync(shown);
            }

            return;
        }

        if (snapshot.StopTimeStamp is { } stop && stop == _endedAt)
        {
            // The engine reported the former end once more, after the start that followed it: not another crash.
            return;
        }

        _endedAt = snapshot.StopTimeStamp;
        _alive = false;
        if (_stopRequested)
        {
            return;
        }

        _name = ReplicaName.Of(snapshot) ?? id;
        var uptime = (snapshot.StopTimeStamp is { } end && snapshot.StartTimeStamp is { } start ? end - start : (TimeSpan?)null)
            ?? services.Time.GetUtcNow() - _startedAt;
        var decision = _crashes.Ended(snapshot.ExitCode, uptime);
        var reason = snapshot.State?.Text == KnownResourceStates.FailedToStart ? "could not be started" : ExitReason.Describe(snapshot.ExitCode);
        services.Report.Add(new RestartRecord
        {
            Id = _name,
            ExitCode = snapshot.ExitCode,
            At = services.Time.GetUtcNow(),
            Crash = decision.Crash,
            GaveUp = decision.Delay is null,
            Reason = reason,
        });
        if (decision.Delay is { } delay)
        {
            LogRestarting(services.Logs.GetLogger(id), reason, uptime.TotalSeconds, delay.TotalSeconds);
            LogRestartingOf(services.Logger, id, reason, uptime.TotalSeconds, delay.TotalSeconds);
            _ = StartAsync(delay, Volatile.Read(ref _starts));
        }
        else
        {
            _gaveUp = string.Create(CultureInfo.InvariantCulture, $"Crash loop: {reason}, {decision.ShortLived} times");
            LogGaveUp(services.Logs.GetLogger(id), reason, decision.ShortLived, policy.MinUptime.TotalSeconds);
            LogGaveUpOn(services.Logger, id, reason, decision.ShortLived, policy.MinUptime.TotalSeconds);
            await ShowAsync(_gaveUp);
        }
    }

    private async Task StartAsync(TimeSpan delay, int starts)
    {
        try
        {
            await Task.Delay(delay, services.Time, services.Stopping);
            if (Volatile.Read(ref _starts) != starts)
            {
                // A person was faster.
                return;
            }

            _ownStart = true;
            var result = await services.Commands.ExecuteCommandAsync(id, KnownResourceCommands.StartCommand, services.Stopping);
            if (!result.Success && !services.Stopping.IsCancellationRequested)
            {
                _ownStart = false;
                LogStartFailed(services.Logger, id, result.Message);
            }
        }
        catch (OperationCanceledException) when (services.Stopping.IsCancellationRequested)
        {
            // The AppHost stops.
        }
    }

    private Task ShowAsync(string text) => services.Notifications.PublishUpdateAsync(resource, id, snapshot => snapshot with
    {
        State = new ResourceStateSnapshot(text, KnownResourceStateStyles.Error),
    });

    [LoggerMessage(Level = LogLevel.Warning, Message = "The process ended ({Reason}) after {Uptime:0.#} s; it is started again in {Delay:0.#} s.")]
    private static partial void LogRestarting(ILogger logger, string reason, double uptime, double delay);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Id} ended ({Reason}) after {Uptime:0.#} s; it is started again in {Delay:0.#} s.")]
    private static partial void LogRestartingOf(ILogger logger, string id, string reason, double uptime, double delay);

    [LoggerMessage(Level = LogLevel.Error, Message =
        "Crash loop: the process ended ({Reason}) {Count} times in a row within {MinUptime:0.#} s of its start (Restart:MaxRestarts, Restart:MinUptime). "
        + "It stays down until you choose Restart in the dashboard; the lines above say why it ended.")]
    private static partial void LogGaveUp(ILogger logger, string reason, int count, double minUptime);

    [LoggerMessage(Level = LogLevel.Error, Message =
        "Crash loop: {Id} ended ({Reason}) {Count} times in a row within {MinUptime:0.#} s of its start and stays down. Its console log in the dashboard says why.")]
    private static partial void LogGaveUpOn(ILogger logger, string id, string reason, int count, double minUptime);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Id} could not be started again: {Reason} Start it in the dashboard.")]
    private static partial void LogStartFailed(ILogger logger, string id, string? reason);
}
