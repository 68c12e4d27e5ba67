namespace SseApp.Bench.Subjects;

/// <summary>One program that a subject consists of, pinned to the servers' core, with its output in a log file.</summary>
internal sealed class ServerProcess
{
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private readonly Process _process;
    private readonly string _name;
    private readonly string _log;

    private ServerProcess(Process process, string name, string log) => (_process, _name, _log) = (process, name, log);

    public int Id => _process.Id;

    public string Name => _name;

    /// <param name="workspace">Where the log goes.</param>
    /// <param name="name">For the log and for messages.</param>
    /// <param name="cores">As taskset takes them, such as <c>0</c>; null for no pinning.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="environment">Added to this process's own.</param>
    public static ServerProcess Start(
        Workspace workspace, string name, string? cores, IEnumerable<string> command, params IEnumerable<(string Name, string Value)> environment)
    {
        var log = workspace.Log(name);
        // The shell only redirects: output that came through this process would cost the generator's core.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = workspace.Artifacts };
        foreach (var argument in (string[])["-c", "exec \"$@\" >\"$BENCH_LOG\" 2>&1", "sh"])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var argument in cores is null ? command : ((string[])["taskset", "-c", cores]).Concat(command))
        {
            start.ArgumentList.Add(argument);
        }

        // What the caller's shell exports for telemetry or hosting must not change what is measured.
        foreach (var key in start.Environment.Keys.Where(key => key.StartsWith("OTEL_", StringComparison.Ordinal) || key == "DOTNET_TieredPGO"
            || key.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || key.StartsWith("DOTNET_gc", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(key);
        }

        start.Environment["BENCH_LOG"] = log;
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        return new ServerProcess(Process.Start(start)!, name, log);
    }

    /// <summary>Waits until it answers.</summary>
    public async Task WaitReadyAsync(Func<CancellationToken, Task<bool>> probe, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await probe(cancellationToken))
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(started) > s_startLimit)
            {
                var tail = File.Exists(_log) ? string.Join('\n', File.ReadLines(_log).TakeLast(8)) : "";
                throw new BenchException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_name} {(_process.HasExited ? $"exited with {_process.ExitCode}" : $"was not ready within {s_startLimit.TotalSeconds:0} s")}; its log is {_log}:\n{tail}"));
            }

            await Task.Delay(s_poll, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Asks it to stop; after 10 s ends it and what it started.</summary>
    public async Task StopAsync(int signal = Libc.Terminate)
    {
        var tree = ProcessTree.Of([Id]);
        if (!_process.HasExited)
        {
            Libc.Signal(Id, signal);
        }

        using var limit = new CancellationTokenSource(s_stopLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Below.
        }

        tree.KillRest();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    /// <summary>Waits until it ends by itself; answers with its exit code.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>As a crash: no warning, no end of its streams.</summary>
    public async Task KillAsync()
    {
        Libc.Signal(Id, Libc.Kill);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }
}
