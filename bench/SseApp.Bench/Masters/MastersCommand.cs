using SseApp.Bench.Compare;
using SseApp.Bench.Report;
using StackExchange.Redis;

namespace SseApp.Bench.Masters;

/// <summary><c>masters</c>: what a Redis Cluster of three masters takes, beside one of one.</summary>
internal static class MastersCommand
{
    private const double MinRatio = 2.2;
    private const int Topics = 2_000;
    private const int Publishers = 128;
    private const int Size = 100;
    // Of one event each: on a cluster a script reaches one slot.
    private const int CallsOfMaster = 128;
    private static readonly TimeSpan s_settling = TimeSpan.FromMilliseconds(300);
    private static readonly int[] s_subscribers = [0, 1, 4, 8];

    public static Command Create()
    {
        var rounds = Cli.Number("--rounds", "Rounds; each measures everything once.", 5, 1, 100);
        var step = Cli.Number("--step", "Milliseconds of one measurement.", 2_000, 250, 60_000);
        var serverCore = Cli.Number("--server-core", "Core of the servers; -1 for no pinning.", 0, -1, 1_023);
        var generatorCore = Cli.Number("--generator-core", "Core of the generator; -1 for no pinning.", 1, -1, 1_023);
        var command = new Command("masters", "Publish at saturation to a Redis Cluster of one master and of three, through a replica and by its script alone, and count operations a core.")
        {
            rounds, step, serverCore, generatorCore,
        };
        command.Runs((result, cancellationToken) => RunAsync(
            result.GetRequiredValue(rounds), TimeSpan.FromMilliseconds(result.GetRequiredValue(step)), result.GetRequiredValue(serverCore), result.GetRequiredValue(generatorCore), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int rounds, TimeSpan step, int serverCore, int generatorCore, CancellationToken cancellationToken)
    {
        Preflight.Pin(generatorCore);
        var workspace = new Workspace(garnet: false);
        var cores = serverCore < 0 ? null : serverCore.ToString(CultureInfo.InvariantCulture);
        RedisMasters[] clusters = [new(workspace, cores, 1), new(workspace, cores, 3)];
        using var alone = new RedisScriptSubject(workspace, cores);
        try
        {
            List<(RedisMasters Cluster, LoadSession Session, ScriptLoad Script, MastersFigure Through, MastersFigure Direct)> sides = [];
            foreach (var cluster in clusters)
            {
                cluster.Require();
                var target = await cluster.StartAsync(1, cancellationToken);
                var session = new LoadSession(new LoadPlan(target, 0, Topics, 1, Publishers, Size), static _ => { }, cancellationToken);
                var redis = await ConnectionMultiplexer.ConnectAsync(cluster.ConnectionString);
                var script = new ScriptLoad(redis, ScriptLoad.Read(workspace).Replace("'PUBLISH'", "'SPUBLISH'", StringComparison.Ordinal), Topics, together: 1);
                sides.Add((cluster, session, script, new("through a replica", cluster.Masters), new("its script alone", cluster.Masters)));
            }

            for (var round = -1; round < rounds; round++)
            {
                Cli.Progress(round < 0 ? "warming up" : $"round {round + 1} of {rounds}");
                foreach (var side in round % 2 == 0 ? sides : Enumerable.Reverse(sides))
                {
                    // The generator's loop keeps its thread.
                    await Task.Run(() => Measure(side.Cluster, side.Through, round >= 0, () => Through(side.Session, step)), cancellationToken);
                    await MeasureAsync(side.Cluster, side.Direct, round >= 0, () => side.Script.RunAsync(CallsOfMaster * side.Cluster.Masters, step));
                }
            }

            sides.ForEach(side => side.Session.Dispose());
            foreach (var cluster in clusters)
            {
                await cluster.StopAsync();
            }

            var subscribed = await SubscribedAsync(alone, rounds, step, cancellationToken);
            return Report(workspace, [.. sides.Select(side => side.Through)], [.. sides.Select(side => side.Direct)], subscribed) ? 0 : 1;
        }
        finally
        {
            await alone.StopAsync();
            foreach (var cluster in clusters)
            {
                await cluster.StopAsync();
                cluster.Dispose();
            }
        }
    }

    private static long Through(LoadSession session, TimeSpan step)
    {
        var before = session.Loop.Lanes.Sum(lane => lane.Acknowledged);
        session.Idle(step, new WindowPlan(session.Loop.Lanes, int.MaxValue, 1, () => 0));
        var count = session.Loop.Lanes.Sum(lane => lane.Acknowledged) - before;
        session.Loop.Run(() => session.Loop.Lanes.All(lane => !lane.Busy), step);
        return count;
    }

    private static void Measure(RedisMasters cluster, MastersFigure figure, bool counts, Func<long> load) =>
        MeasureAsync(cluster, figure, counts, () => Task.FromResult(load())).GetAwaiter().GetResult();

    private static async Task MeasureAsync(RedisMasters cluster, MastersFigure figure, bool counts, Func<Task<long>> load)
    {
        double[] before = [.. cluster.MasterIds.Select(Libc.CpuMicroseconds)];
        var replica = Libc.CpuMicroseconds(cluster.ReplicaId);
        var started = Stopwatch.GetTimestamp();
        var events = await load();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double[] cpu = [.. cluster.MasterIds.Select((id, i) => Libc.CpuMicroseconds(id) - before[i])];
        replica = Libc.CpuMicroseconds(cluster.ReplicaId) - replica;
        if (!counts)
        {
            return;
        }

        figure.Rate.Add(events / seconds);
        figure.Redis.Add(cpu.Sum() / events);
        figure.Busiest.Add(cpu.Max() / events);
        if (figure.Name == "through a replica")
        {
            figure.Replica.Add(replica / events);
        }
    }

    /// <summary>CPU microseconds of one Redis for an event, with so many replicas that listen.</summary>
    private static async Task<List<(int Subscribers, List<double> Cpu)>> SubscribedAsync(RedisScriptSubject redis, int rounds, TimeSpan step, CancellationToken cancellationToken)
    {
        var target = await redis.StartAsync(1, cancellationToken);
        var figures = s_subscribers.Select(subscribers => (Subscribers: subscribers, Cpu: new List<double>())).ToList();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (subscribers, cpu) in figures)
            {
                Cli.Progress($"{subscribers} subscribers, round {round + 1} of {rounds}");
                cpu.Add((await redis.MeasureAsync(Topics, subscribers, s_settling, step / 2, target)).Cpu);
            }
        }

        return figures;
    }

    private static bool Report(Workspace workspace, MastersFigure[] through, MastersFigure[] direct, List<(int Subscribers, List<double> Cpu)> subscribed)
    {
        Console.Out.WriteLine("| publishes | masters | a second, all on one core | Redis' CPU µs each, all masters | publishes a CPU second of Redis | replica's CPU µs each | publishes a CPU second of the replica | with a core for each master | to one master |");
        Console.Out.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var figure in through)
        {
            Console.Out.WriteLine(figure.Row(through[0]));
        }

        foreach (var figure in direct)
        {
            Console.Out.WriteLine(figure.Row(direct[0]));
        }

        Console.Out.WriteLine();
        Console.Out.WriteLine("| replicas that listen to a topic | Redis' CPU µs an event, calls of many events |");
        Console.Out.WriteLine("|---:|---:|");
        foreach (var (subscribers, cpu) in subscribed)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {subscribers} | {Medians.Of(cpu):0.0} ({cpu.Min():0.0} to {cpu.Max():0.0}) |"));
        }

        var ratio = through[^1].WithCoreEach / through[0].WithCoreEach;
        Console.Out.WriteLine();
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Three masters to one, through a replica, with a core for each master: {ratio:0.00} (wanted: at least {MinRatio:0.0}). {TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, commit {Machine.Commit(workspace) ?? "unknown"}, load average at the end {Preflight.LoadAverage():0.0}; {Machine.Describe()}"));
        return ratio >= MinRatio;
    }
}
