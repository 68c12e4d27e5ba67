using SseApp.Bench.Compare;
using SseApp.Bench.Report;

namespace SseApp.Bench.Access;

/// <summary><c>access</c>: what it costs a replica to know who asks.</summary>
internal static class AccessCommand
{
    private const double MaxPublishShare = 0.05;
    private const double MaxConnectMicroseconds = 60;
    // Until the compiler has seen both replicas do enough: the open one is asked for less.
    private const int WarmUps = 6;

    // What a request leaves to be done when it is answered.
    private static readonly TimeSpan s_settling = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var starts = Cli.Number("--starts", "How often both replicas are started anew: two processes differ by more than a credential costs.", 6, 2, 50);
        var rounds = Cli.Number("--rounds", "Rounds after each start; each measures everything once.", 4, 1, 200);
        var publishes = Cli.Number("--publishes", "Publishes of a measurement.", 8_000, 80, 100_000);
        var connects = Cli.Number("--connects", "Streams that a measurement opens.", 1_200, 40, 10_000);
        var command = new Command("access", "Measure the CPU time of publishes and connects with credentials at a closed replica, beside those without at an open one.")
        {
            starts, rounds, publishes, connects,
        };
        command.Runs((result, cancellationToken) => RunAsync(result.GetRequiredValue(starts), result.GetRequiredValue(rounds), result.GetRequiredValue(publishes), result.GetRequiredValue(connects), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int starts, int rounds, int publishes, int connects, CancellationToken cancellationToken)
    {
        var workspace = new Workspace(garnet: false);
        AccessFigure[] all = [];
        for (var start = 0; start < starts; start++)
        {
            using var cluster = new AccessCluster(workspace);
            cluster.Require();
            try
            {
                await cluster.StartAsync(1, cancellationToken);
                var figures = Figures(cluster, publishes, connects);
                all = all.Length == 0 ? Figures(cluster, publishes, connects) : all;
                for (var round = -WarmUps; round < rounds; round++)
                {
                    Cli.Progress(string.Create(CultureInfo.InvariantCulture, $"start {start + 1} of {starts}: {(round < 0 ? "warming up" : $"round {round + 1} of {rounds}")}"));
                    // To and fro, so that what drifts over time is not the last one's.
                    foreach (var figure in round % 2 == 0 ? figures : figures.Reverse())
                    {
                        var cpu = await MeasureAsync(figure, cancellationToken);
                        if (round >= 0)
                        {
                            figure.Values.Add(cpu);
                        }
                    }
                }

                foreach (var (figure, whole) in figures.Zip(all))
                {
                    whole.Values.Add(figure.Values.Average());
                }
            }
            finally
            {
                await cluster.StopAsync();
            }
        }

        return Report(workspace, all, starts, rounds) ? 0 : 1;
    }

    private static AccessFigure[] Figures(AccessCluster cluster, int publishes, int connects)
    {
        var (open, closed) = (cluster.Open, cluster.Closed);
        AccessFigure publish = new("publish, open", open, publishes, null, static () => null, Publish);
        AccessFigure connect = new("connect, open", open, connects, null, static () => null, Connect);
        var known = cluster.NewToken();
        return
        [
            publish,
            new("publish, open, header as long as an API key", open, publishes, publish, () => cluster.ApiKey, Publish),
            new("publish, API key", closed, publishes, publish, () => cluster.ApiKey, Publish) { MaxShare = MaxPublishShare },
            new("publish, token", closed, publishes, publish, () => known, Publish),
            connect,
            // An open replica does not look at it: what is added is what any header of that length adds, whoever reads it.
            new("connect, open, header as long as a token", open, connects, connect, cluster.NewToken, Connect),
            new("connect, public topic at the closed replica", closed, connects, connect, static () => null, Connect),
            new("connect, token seen before", closed, connects, connect, () => known, Connect),
            new("connect, token not seen before", closed, connects, connect, cluster.NewToken, Connect) { MaxMicroseconds = MaxConnectMicroseconds },
        ];
    }

    private static Task Publish(AccessLoad load, string?[] credentials) => load.PublishAsync(credentials);

    private static Task Connect(AccessLoad load, string?[] credentials) => load.ConnectAsync(credentials);

    private static async Task<double> MeasureAsync(AccessFigure figure, CancellationToken cancellationToken)
    {
        var load = new AccessLoad(figure.Replica.Url, cancellationToken);
        // Before the measurement: to make tokens takes the generator longer than to send them.
        string?[] credentials = [.. Enumerable.Range(0, figure.Count).Select(_ => figure.Credential())];
        var before = Libc.CpuMicroseconds(figure.Replica.Process);
        await figure.Load(load, credentials);
        await Task.Delay(s_settling, TimeProvider.System, cancellationToken);
        return (Libc.CpuMicroseconds(figure.Replica.Process) - before) / figure.Count;
    }

    private static bool Report(Workspace workspace, AccessFigure[] figures, int starts, int rounds)
    {
        Console.Out.WriteLine("| CPU of the replica | µs | added µs | added | bar | met |");
        Console.Out.WriteLine("|---|---:|---:|---:|---:|---|");
        foreach (var figure in figures)
        {
            Console.Out.WriteLine(figure.Row());
        }

        Console.Out.WriteLine();
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{starts} starts of {rounds} rounds, {TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, commit {Machine.Commit(workspace) ?? "unknown"}, load average at the end {Preflight.LoadAverage():0.0}; {Machine.Describe()}"));
        return figures.All(figure => figure.IsMet != false);
    }
}
