using SseApp.Bench.Compare;
using SseApp.Bench.Report;

namespace SseApp.Bench.Quick;

/// <summary>
/// <c>compare --quick</c>: the main ratios in a minute. All servers run beside each other and get each load in short slices, in turn, so that what
/// else the machine does meets all of them alike. CPU time is compared, not speed.
/// </summary>
internal sealed class QuickRun(ComparisonOptions options, bool write, bool check)
{
    private const int Rounds = 7;
    private const int RoundsToWrite = 15;
    private const int Attempts = 3;

    private static readonly TimeSpan s_drainLimit = TimeSpan.FromSeconds(10);

    private readonly List<string> _unchecked = [];

    /// <returns>0; 1 when a ratio fell.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        Libc.RequireFiles(QuickLoad.All.Max(load => load.Streams) * 8, "eight times 1 000 streams", "nothing");
        var workspace = new Workspace(options.Garnet);
        var path = CommittedRatios.PathIn(workspace.Root);
        var committed = check ? CommittedRatios.Read(path) : null;
        var redis = workspace.UseGarnet ? "Garnet" : "redis-server";
        if (committed is not null && committed.Redis != redis)
        {
            _unchecked.Add($"the committed ratios are with {committed.Redis}, which is not here");
        }

        if (Workspace.Configuration != "Release")
        {
            _unchecked.Add("this is a Debug build; run it with -c Release");
        }

        using var cluster = new QuickCluster(workspace, ServerCore());
        cluster.Require();
        try
        {
            await cluster.StartAsync(1, cancellationToken);
            cluster.Left.ForEach(Say);
            // The generator's loop keeps its thread.
            return await Task.Run(() => Measure(cluster, workspace, committed, path, redis, started, cancellationToken), cancellationToken);
        }
        finally
        {
            await cluster.EndAsync();
        }
    }

    private int Measure(QuickCluster cluster, Workspace workspace, CommittedRatios? committed, string path, string redis, long started, CancellationToken cancellationToken)
    {
        var measured = Measure(cluster, check ? [.. QuickRatio.All.Where(ratio => ratio.IsChecked)] : QuickRatio.All, committed, cancellationToken);
        var fallen = (committed?.Fallen(measured) ?? []).ToList();
        for (var attempt = 2; attempt <= Attempts && fallen.Count > 0 && _unchecked.Count == 0; attempt++)
        {
            fallen.ForEach(ratio => Say($"{ratio} It is measured again ({attempt} of {Attempts})."));
            var names = fallen.Select(ratio => ratio.Name).ToHashSet(StringComparer.Ordinal);
            fallen = [.. committed!.Fallen(Measure(cluster, [.. QuickRatio.All.Where(ratio => names.Contains(ratio.Name))], committed, cancellationToken))];
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Stopwatch.GetElapsedTime(started).TotalSeconds:0} s, {TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, commit {Machine.Commit(workspace) ?? "unknown"}, load average {Preflight.LoadAverage():0.0}; {Machine.Describe()}; {redis}"));
        if (write)
        {
            new CommittedRatios(
                Machine.Commit(workspace) ?? "unknown", Machine.Describe(), redis,
                new SortedDictionary<string, double>(measured.Where(ratio => QuickRatio.All.Any(known => known.Name == ratio.Key && known.IsChecked)).ToDictionary(ratio => ratio.Key, ratio => Math.Round(ratio.Value, 3), StringComparer.Ordinal), StringComparer.Ordinal)).Write(path);
            Console.Out.WriteLine($"Written: {path}");
        }

        if (committed is null)
        {
            return 0;
        }

        if (_unchecked.Count > 0)
        {
            Say($"RATIOS WERE NOT CHECKED: {string.Join("; ", _unchecked)}.");
            return 0;
        }

        foreach (var name in committed.Unmeasured(measured))
        {
            Say($"Not checked, because it could not be measured here: {name}.");
        }

        fallen.ForEach(ratio => Say($"FELL: {ratio}"));
        return fallen.Count > 0 ? 1 : 0;
    }

    /// <summary>Measures and prints; ratios of sides that are not there are left out.</summary>
    private Dictionary<string, double> Measure(QuickCluster cluster, QuickRatio[] ratios, CommittedRatios? committed, CancellationToken cancellationToken)
    {
        var cpu = Cpu(cluster, ratios, cancellationToken);
        var measured = ratios.Where(ratio => ratio.Of(cpu) is not null).ToDictionary(ratio => ratio.Name, ratio => ratio.Of(cpu)!.Value, StringComparer.Ordinal);
        Print(cpu, measured, committed);
        return measured;
    }

    /// <summary>CPU microseconds of one unit, for each load and side, once a round.</summary>
    private Dictionary<(string Load, string Side), List<double>> Cpu(QuickCluster cluster, QuickRatio[] ratios, CancellationToken cancellationToken)
    {
        var cpu = new Dictionary<(string Load, string Side), List<double>>();
        var rounds = write ? RoundsToWrite : Rounds;
        foreach (var load in QuickLoad.All.Where(load => ratios.Any(ratio => ratio.Load == load)))
        {
            var wanted = ratios.Where(ratio => ratio.Load == load).SelectMany(ratio => (string[])[ratio.Ours, ratio.Theirs]).ToHashSet(StringComparer.Ordinal);
            var sides = cluster.Sides.Where(side => wanted.Contains(side.Name)).ToList();
            Cli.Progress($"{load.Name}: {string.Join(", ", sides.Select(side => side.Name))}");
            var sessions = sides.ConvertAll(side => new LoadSession(load.Plan(side.Target), static _ => { }, cancellationToken));
            try
            {
                foreach (var session in sessions)
                {
                    session.Open();
                    session.Idle(load.Slice * load.WarmUp, load.Publishing(session.Loop));
                    session.Drain();
                }

                for (var round = 0; round < rounds; round++)
                {
                    // To and fro, so that what drifts over time is not the last one's.
                    foreach (var i in round % 2 == 0 ? Enumerable.Range(0, sides.Count) : Enumerable.Range(0, sides.Count).Reverse())
                    {
                        var key = (load.Name, sides[i].Name);
                        (cpu.TryGetValue(key, out var taken) ? taken : cpu[key] = []).Add(Slice(load, sides[i], sessions[i]));
                    }
                }
            }
            finally
            {
                sessions.ForEach(session => session.Dispose());
            }
        }

        return cpu;
    }

    private static double Slice(QuickLoad load, QuickSide side, LoadSession session)
    {
        var (count, cpu) = (load.Count(session.Loop), side.CpuMicroseconds());
        session.Idle(load.Slice, load.Publishing(session.Loop));
        // What was sent is paid for in this slice.
        session.Loop.Run(() => session.Loop.Lanes.All(lane => !lane.Busy) && session.Tally.Delivered >= session.Loop.Expected(), s_drainLimit);
        count = load.Count(session.Loop) - count;
        return count > 0
            ? (side.CpuMicroseconds() - cpu) / count
            : throw new BenchException($"{side.Name} did nothing within {load.Slice.TotalSeconds} s ({session.Tally.FirstFailure ?? "no error"}).");
    }

    private static void Print(Dictionary<(string Load, string Side), List<double>> cpu, Dictionary<string, double> measured, CommittedRatios? committed)
    {
        foreach (var load in QuickLoad.All.Where(load => cpu.Keys.Any(key => key.Load == load.Name)))
        {
            var sides = cpu.Where(row => row.Key.Load == load.Name)
                .Select(row => string.Create(CultureInfo.InvariantCulture, $"{row.Key.Side} {Medians.Of(row.Value):0.00} ({row.Value.Min():0.00} to {row.Value.Max():0.00})"));
            Console.Out.WriteLine($"CPU µs a {load.Unit}, {load.Name}: {string.Join(", ", sides)}");
        }

        Console.Out.WriteLine();
        Console.Out.WriteLine("| CPU time for … | ratio | committed | name |");
        Console.Out.WriteLine("|---|---:|---:|---|");
        foreach (var ratio in QuickRatio.All.Where(ratio => measured.ContainsKey(ratio.Name)))
        {
            var before = committed?.Ratios.TryGetValue(ratio.Name, out var value) == true ? value.ToString("0.00", CultureInfo.InvariantCulture) : "";
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {ratio.What} | **{measured[ratio.Name]:0.00}** | {before} | {ratio.Name} |"));
        }

        Console.Out.WriteLine();
    }

    private static void Say(string text) => Console.Out.WriteLine(text);

    /// <summary>Pins this process, and answers with the servers' core; null where servers and generator cannot have a core each.</summary>
    private string? ServerCore()
    {
        int[] cores = [options.ServerCore, options.GeneratorCore];
        var allowed = Preflight.AllowedCores();
        if (cores.Contains(-1) || Workspace.Find("taskset") is null)
        {
            _unchecked.Add("servers and generator are not pinned to a core each (taskset is in util-linux)");
            return null;
        }

        if (!cores.All(allowed.Contains))
        {
            if (allowed.Length < cores.Length)
            {
                _unchecked.Add("this process may use one core only, so that servers and generator cannot have one each");
                return null;
            }

            cores = allowed[..2];
            Say($"Servers on core {cores[0]}, generator on core {cores[1]}: others may not be used here.");
        }

        Preflight.Pin(cores[1]);
        return cores[0].ToString(CultureInfo.InvariantCulture);
    }
}
