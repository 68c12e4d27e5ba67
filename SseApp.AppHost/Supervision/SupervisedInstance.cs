using System.ComponentModel;
using System.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Replicas;
using SseApp.ServiceDefaults.Defaults.Health;

namespace SseApp.AppHost.Supervision;

/// <summary>Supervises one instance (a replica, or a resource that has only one). States arrive one after the other.</summary>
internal sealed partial class SupervisedInstance(IResource resource, string id, RestartPolicy policy, SupervisorServices services, ServerQuestion? question = null)
{
    private const string ProcessId = "executable.pid";

    // Of a service that could not start: each of its last lines names a setting.
    private const int WrongSetting = 1;
    private const int MaxLastWords = 5;

    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(2);

    private readonly CrashCount _crashes = new(policy);
    private readonly HangWatch _hang = new(policy, services.Time);
    private CustomResourceSnapshot? _snapshot;
    private string? _killedFor;
    private string? _shown;
    private int _starts;
    private DateTimeOffset _startedAt;
    private DateTime? _endedAt;
    private bool _alive;
    private bool _stopRequested;
    private volatile bool _ownStart;
    private volatile bool _ownStop;
    private string? _gaveUp;
    private string? _lastWords;
    private volatile string? _name;

    private string Name => _name ?? id;

    public IResource Resource => resource;

    public string Id => id;

    public RestartPolicy Policy => policy;

    /// <summary>True while a restart that was ordered here has not helped yet.</summary>
    public bool IsRestarting => _hang.IsRestarting;

    /// <summary>What the gateway says of it; null when it is no replica, or unknown there.</summary>
    public ReplicaSign? Sign => services.Signs.Of(Name);

    /// <summary>Restarts the process when it hangs, and says how that went; returns when the AppHost stops.</summary>
    public async Task GuardAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(LivenessProbe.Interval, services.Time, services.Stopping);
                if (Volatile.Read(ref _snapshot) is { } snapshot && await AskAsync(snapshot) is { } answer)
                {
                    await ActAsync(_hang.Next(new LivenessReading(answer, Sign?.State == ReplicaSigns.Frozen, LivenessProbe.IsTraced(ProcessIdOf(snapshot)))), snapshot);
                }
            }
        }
        catch (OperationCanceledException) when (services.Stopping.IsCancellationRequested)
        {
            // The AppHost stops.
        }
    }

    /// <returns>Null while nobody knows where to ask.</returns>
    private async Task<LivenessAnswer?> AskAsync(CustomResourceSnapshot snapshot)
    {
        if (question is not null)
        {
            return question.Endpoint.IsAllocated
                ? await LivenessProbe.AskServerAsync(question.Endpoint.Host, question.Endpoint.Port, question.Bytes, services.Stopping)
                : null;
        }

        return LivenessProbe.AddressOf(snapshot) is { } address ? await services.Probe.AskAsync(address, services.Stopping) : null;
    }

    /// <summary>Drains it and starts it again, because it is slow.</summary>
    public Task RestartSlowAsync()
    {
        _hang.Ordered();
        return RestartAsync(
            string.Create(CultureInfo.InvariantCulture, $"slow: its work waited longer than {policy.SlowLimit.TotalMilliseconds:0} ms for {policy.SlowAfter.TotalMinutes:0.#} min"),
            RestartStage.Slow);
    }

    public async Task ObserveAsync(CustomResourceSnapshot snapshot)
    {
        Volatile.Write(ref _snapshot, snapshot);
        // One that is about to start has no environment yet; its name stays the same.
        _name = ReplicaName.Of(snapshot) ?? _name;
        var state = snapshot.State?.Text;
        if (state == KnownResourceStates.Starting || state == KnownResourceStates.Running)
        {
            OnAlive();
        }
        else if (state == KnownResourceStates.Stopping)
        {
            // Only a command does that: a process that ends by itself is never "Stopping".
            _stopRequested = true;
            _hang.Ended();
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
        _hang.Started();
        if (_gaveUp is not null || (!_ownStart && Interlocked.Exchange(ref _shown, null) is not null))
        {
            _gaveUp = null;
            services.Report.Add(new RestartRecord { Id = Name, At = services.Time.GetUtcNow(), Crash = false, Reason = "started by hand" });
        }

        _startedAt = services.Time.GetUtcNow();
        Interlocked.Increment(ref _starts);
        if (!_ownStart)
        {
            _crashes.Reset();
        }

        _ownStart = false;
    }

    private async Task ActAsync(HangVerdict verdict, CustomResourceSnapshot snapshot)
    {
        var console = services.Logs.GetLogger(id);
        var asked = question is null ? $"no answer to {HealthExtensions.LivenessPath}" : "no answer";
        var silence = string.Create(CultureInfo.InvariantCulture, $"hung: {asked} for {policy.HungAfter.TotalSeconds:0.#} s");
        switch (verdict)
        {
            case HangVerdict.Kill:
                Kill(Sign?.State == ReplicaSigns.Frozen ? "hung: frozen, as the gateway finds, and no answer to " + HealthExtensions.LivenessPath : silence, ProcessIdOf(snapshot));
                break;
            case HangVerdict.KillStart:
                Kill(string.Create(CultureInfo.InvariantCulture, $"hung: {asked} within {policy.StartLimit.TotalSeconds:0.#} s of its start"), ProcessIdOf(snapshot));
                break;
            case HangVerdict.Drain:
                await RestartAsync(
                    Sign?.State == ReplicaSigns.Frozen
                        ? "hung: no heartbeat, and no answer to the gateway"
                        : string.Create(CultureInfo.InvariantCulture, $"hung: {HealthExtensions.LivenessPath} has been unhealthy for {policy.HungAfter.TotalSeconds:0.#} s"),
                    RestartStage.Hung);
                break;
            case HangVerdict.Recovered:
                LogRecovered(console);
                LogRecoveredOf(services.Logger, id);
                Report("answers again after its restart", RestartStage.Recovered);
                if (Interlocked.Exchange(ref _shown, null) is { } shown)
                {
                    await services.Notifications.PublishUpdateAsync(resource, id, current => current.State?.Text == shown
                        ? current with { State = new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success) }
                        : current);
                }

                break;
            case HangVerdict.NeedsPerson:
                var seconds = HangWatch.CheckAfter.TotalSeconds;
                LogNeedsPerson(console, seconds);
                LogNeedsPersonOf(services.Logger, id, seconds);
                Report(string.Create(CultureInfo.InvariantCulture, $"no answer {seconds:0} s after its restart"), RestartStage.NeedsPerson);
                _shown = "Needs a person: no answer after its restart";
                await ShowAsync(_shown);
                break;
        }
    }

    /// <summary>Ends a process that hears nothing, a stopped one included; what follows is as after a crash, but at once.</summary>
    private void Kill(string reason, int? processId)
    {
        LogHangs(services.Logs.GetLogger(id), reason);
        LogHangsOf(services.Logger, id, reason);
        Volatile.Write(ref _killedFor, reason);
        try
        {
            // "dotnet run" is what we know; the service is its child.
            using var process = Process.GetProcessById(processId ?? throw new InvalidOperationException("Its process id is not known."));
            process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or Win32Exception or AggregateException or NotSupportedException)
        {
            // It has ended meanwhile, or is another user's: when there is no new process within a minute, a person is told.
            LogKillFailed(services.Logger, id, exception.Message);
        }
    }

    /// <summary>Stops the process as the dashboard does, with its drain, and starts it again.</summary>
    private async Task RestartAsync(string reason, RestartStage stage)
    {
        LogHangs(services.Logs.GetLogger(id), reason);
        LogHangsOf(services.Logger, id, reason);
        Report(reason, stage);
        _ownStart = _ownStop = true;
        var result = await services.Commands.ExecuteCommandAsync(id, KnownResourceCommands.RestartCommand, services.Stopping);
        if (!result.Success && !services.Stopping.IsCancellationRequested)
        {
            _ownStart = _ownStop = false;
            LogStartFailed(services.Logger, id, result.Message);
        }
    }

    private void Report(string reason, RestartStage stage) => services.Report.Add(new RestartRecord
    {
        Id = Name,
        At = services.Time.GetUtcNow(),
        Crash = stage == RestartStage.Hung,
        Reason = reason,
        Stage = stage,
    });

    private static int? ProcessIdOf(CustomResourceSnapshot snapshot) =>
        snapshot.Properties.FirstOrDefault(property => property.Name == ProcessId)?.Value as int?;

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
        var killedFor = Interlocked.Exchange(ref _killedFor, null);
        if (_stopRequested)
        {
            if (_ownStop)
            {
                _ownStop = false;
                _hang.Ended();
            }
            else
            {
                _hang.Left();
            }

            return;
        }

        _hang.Ended();
        var uptime = (snapshot.StopTimeStamp is { } end && snapshot.StartTimeStamp is { } start ? end - start : (TimeSpan?)null)
            ?? services.Time.GetUtcNow() - _startedAt;
        var decision = _crashes.Ended(snapshot.ExitCode, uptime);
        var reason = killedFor
            ?? (snapshot.State?.Text == KnownResourceStates.FailedToStart ? "could not be started" : ExitReason.Describe(snapshot.ExitCode));
        services.Report.Add(new RestartRecord
        {
            Id = Name,
            ExitCode = snapshot.ExitCode,
            At = services.Time.GetUtcNow(),
            Crash = decision.Crash,
            GaveUp = decision.Delay is null,
            Reason = reason,
            Stage = killedFor is null ? null : RestartStage.Hung,
        });
        if (snapshot.ExitCode == WrongSetting)
        {
            _ = TellWhyAsync();
        }

        if (decision.Delay is { } wait)
        {
            // It has been down for long enough.
            var delay = killedFor is null ? wait : TimeSpan.Zero;
            LogRestarting(services.Logs.GetLogger(id), reason, uptime.TotalSeconds, delay.TotalSeconds);
            LogRestartingOf(services.Logger, id, reason, uptime.TotalSeconds, delay.TotalSeconds);
            _ = StartAsync(delay, Volatile.Read(ref _starts));
        }
        else
        {
            _hang.Left();
            _gaveUp = string.Create(CultureInfo.InvariantCulture, $"Crash loop: {reason}, {decision.ShortLived} times");
            LogGaveUp(services.Logs.GetLogger(id), reason, decision.ShortLived, policy.MinUptime.TotalSeconds);
            LogGaveUpOn(services.Logger, id, reason, decision.ShortLived, policy.MinUptime.TotalSeconds);
            await ShowAsync(_gaveUp);
        }
    }

    /// <summary>Whoever set it, as a variable that the AppHost only passes on, sees this log and not that of each process.</summary>
    private async Task TellWhyAsync()
    {
        using var late = new CancellationTokenSource(s_lastWords, services.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(services.Stopping, late.Token);
        List<string> lines = [];
        try
        {
            // It does not end; what was written in the moment of the end may come a little later.
            await foreach (var page in services.Logs.WatchAsync(id).WithCancellation(limit.Token))
            {
                lines.AddRange(page.Where(line => line.IsErrorMessage).Select(line => WithoutTime(line.Content)));
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // That is how it ends.
        }

        var words = string.Join(Environment.NewLine, lines.Distinct(StringComparer.Ordinal).TakeLast(MaxLastWords));
        // Each start ends with the same.
        if (words.Length > 0 && !services.Stopping.IsCancellationRequested && Interlocked.Exchange(ref _lastWords, words) != words)
        {
            LogLastWords(services.Logger, id, words);
        }
    }

    // The engine puts it before each line.
    private static string WithoutTime(string line) =>
        line.IndexOf(' ', StringComparison.Ordinal) is > 0 and var end && DateTimeOffset.TryParse(line.AsSpan(0, end), CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? line[(end + 1)..] : line;

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

    [LoggerMessage(Level = LogLevel.Error, Message = "The last words of {Id}: {Lines}")]
    private static partial void LogLastWords(ILogger logger, string id, string lines);

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

    [LoggerMessage(Level = LogLevel.Warning, Message = "The process is restarted ({Reason}).")]
    private static partial void LogHangs(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Id} is restarted ({Reason}).")]
    private static partial void LogHangsOf(ILogger logger, string id, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Recovered: the process answers again after its restart.")]
    private static partial void LogRecovered(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Id} recovered: it answers again after its restart.")]
    private static partial void LogRecoveredOf(ILogger logger, string id);

    [LoggerMessage(Level = LogLevel.Error, Message =
        "Needs a person: {Seconds:0} s after its restart the process does not answer. It is left as it is; the lines above may say why. Choose Restart in the dashboard when that is mended.")]
    private static partial void LogNeedsPerson(ILogger logger, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message =
        "{Id} needs a person: {Seconds:0} s after its restart it does not answer. Its console log in the dashboard may say why; choose Restart there when that is mended.")]
    private static partial void LogNeedsPersonOf(ILogger logger, string id, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Id} hangs and could not be ended: {Reason}")]
    private static partial void LogKillFailed(ILogger logger, string id, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Id} could not be started again: {Reason} Start it in the dashboard.")]
    private static partial void LogStartFailed(ILogger logger, string id, string? reason);
}
