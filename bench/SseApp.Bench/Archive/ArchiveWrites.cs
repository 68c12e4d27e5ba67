namespace SseApp.Bench.Archive;

/// <summary>Publishes with and without the archive, and a backlog that is archived.</summary>
internal sealed class ArchiveWrites : IDisposable
{
    private const int Topics = 1_000;
    private const int Size = 200;
    private const int Publishers = 32;
    private const int Batch = 250;
    // About half of what the core can.
    private const int Rate = 2_000;
    private const double MaxWorse = 0.1;
    private const double MinPerCore = 20_000;
    private const double Kibi = 1024;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    // Longer than Archive:Interval, and as long on both sides: what a replica does while nothing happens is the same then.
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(16);

    private readonly ArchiveCluster _cluster;
    private readonly CancellationToken _cancellationToken;
    private readonly Side _without;
    private readonly Side _with;
    private readonly int _rounds;
    // As long as Archive:Interval, in which each shard has its turn.
    private readonly TimeSpan _step;
    private readonly long _backlog;

    public ArchiveWrites(ArchiveCluster cluster, bool quick, int rounds, CancellationToken cancellationToken)
    {
        _cluster = cluster;
        _cancellationToken = cancellationToken;
        (_rounds, _step, _backlog) = quick ? (2, TimeSpan.FromSeconds(1), 40_000) : (rounds, TimeSpan.FromSeconds(15), 200_000);
        _without = Open(cluster.Without);
        _with = Open(cluster.With);
    }

    /// <summary>Events that the archive has by now.</summary>
    public long Archived => _with.Loop.Lanes.Sum(lane => lane.Acknowledged);

    /// <param name="report">Gets the figures.</param>
    /// <param name="saturate">Also as many as the core can.</param>
    public async Task PublishAsync(ArchiveReport report, bool saturate)
    {
        var p50 = new PairedFigure($"p50 at {Rate}/s, ms", "0.00");
        var p99 = new PairedFigure($"p99 at {Rate}/s, ms", "0.00") { MaxWorse = MaxWorse };
        var p999 = new PairedFigure($"p99.9 at {Rate}/s, ms", "0.00");
        var rate = new PairedFigure("single publishes/s, all that the core can", "0") { MaxWorse = MaxWorse, MoreIsBetter = true };
        var replica = new PairedFigure($"CPU of the replica at {Rate}/s, µs a publish", "0.0");
        var redis = new PairedFigure($"CPU of Redis at {Rate}/s, µs a publish", "0.0");
        var loaded = new PairedFigure("CPU of the replica at that, µs a publish", "0.0");
        foreach (var side in (Side[])[_without, _with, _without, _with])
        {
            Cli.Progress("warming up");
            side.Loop.Run(() => false, _step, Saturating(side));
            await SettleAsync(side);
        }

        for (var round = 0; round < _rounds; round++)
        {
            Cli.Progress($"publishing, round {round + 1} of {_rounds}");
            foreach (var side in round % 2 == 0 ? (Side[])[_without, _with] : [_with, _without])
            {
                var steady = await MeasureAsync(side, new SteadyPlan(side.Loop.Lanes, Rate));
                Of(p50, side).Add(side.Tally.PublishLatency(50));
                Of(p99, side).Add(side.Tally.PublishLatency(99));
                Of(p999, side).Add(side.Tally.PublishLatency(99.9));
                Of(replica, side).Add(steady.Replica);
                Of(redis, side).Add(steady.Redis);
                if (saturate)
                {
                    var saturated = await MeasureAsync(side, Saturating(side));
                    Of(rate, side).Add(saturated.Rate);
                    Of(loaded, side).Add(saturated.Replica);
                }
            }

            Cli.Progress(p99.Last());
        }

        foreach (var figure in saturate ? (PairedFigure[])[p50, p99, p999, rate, replica, redis, loaded] : [p50, p99, p999, replica, redis])
        {
            report.Add(figure);
        }

        var added = PairedFigure.Spread([.. replica.With.Zip(replica.Without, (with, without) => with - without)]);
        report.Add(
            $"archived a second of the CPU that it adds to the replica at {Rate}/s",
            string.Create(CultureInfo.InvariantCulture, $"{1e6 / added.Mean:0} ({added.Mean:0.0} ± {added.Error:0.0} µs an event)"));
    }

    /// <summary>While the database is away the events stay in Redis; what it costs to archive them when it is back.</summary>
    public async Task CatchUpAsync(ArchiveReport report)
    {
        Cli.Progress($"a backlog of {_backlog} events");
        await SettleAsync(_with);
        var idle = Memory();
        await _cluster.Database.StopAsync();
        var before = Archived;
        // So many of different topics in each request.
        var wanted = before + _backlog;
        _with.Loop.Run(() => Archived >= wanted, s_limit, new WindowPlan(_with.Loop.Lanes, int.MaxValue, Batch, static () => 0));
        Finish(_with);
        var (events, held) = (Archived - before, Memory());
        // From before it is back: it is archived as soon as it answers.
        var (cpu, redis, started, most) = (Libc.CpuMicroseconds(_cluster.With.Process), Libc.CpuMicroseconds(_cluster.Redis), Stopwatch.GetTimestamp(), held);
        await _cluster.Database.StartAsync(_cancellationToken);
        await _cluster.WaitArchivedAsync(Archived, () => most = Math.Max(most, Memory()), _cancellationToken);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        cpu = (Libc.CpuMicroseconds(_cluster.With.Process) - cpu) / 1e6;
        redis = (Libc.CpuMicroseconds(_cluster.Redis) - redis) / 1e6;
        var perCore = events / cpu;
        report.Add(
            $"a backlog of {events} events, archived a CPU second of the replica",
            string.Create(CultureInfo.InvariantCulture, $"{perCore:0} ({cpu:0.00} s of CPU, {redis:0.00} s of Redis, {seconds:0.0} s in all)"),
            string.Create(CultureInfo.InvariantCulture, $"≥ {MinPerCore:0}"),
            perCore >= MinPerCore);
        report.Add("resident memory of the replica, MiB", string.Create(CultureInfo.InvariantCulture, $"{idle / Kibi:0} before, {held / Kibi:0} with the backlog waiting, at most {most / Kibi:0} while it is archived"));
    }

    public void Dispose()
    {
        _without.Loop.Dispose();
        _with.Loop.Dispose();
    }

    private Side Open(MeasuredService service) =>
        new(service, new LoadLoop(new LoadPlan(service.Target, Streams: 0, Topics, LanesPerTopic: 1, Publishers, Size), _cancellationToken));

    private static WindowPlan Saturating(Side side) => new(side.Loop.Lanes, int.MaxValue, batch: 1, static () => 0);

    private List<double> Of(PairedFigure figure, Side side) => side == _with ? figure.With : figure.Without;

    /// <returns>Publishes a second, and microseconds a publish until all of them are archived.</returns>
    private async Task<(double Rate, double Replica, double Redis)> MeasureAsync(Side side, IPublishPlan plan)
    {
        side.Tally.ResetLatency();
        var (replica, redis, sent) = (Libc.CpuMicroseconds(side.Service.Process), Libc.CpuMicroseconds(_cluster.Redis), side.Loop.Sent);
        var started = Stopwatch.GetTimestamp();
        side.Loop.Run(() => false, _step, plan);
        var (events, seconds) = (side.Loop.Sent - sent, Stopwatch.GetElapsedTime(started).TotalSeconds);
        await SettleAsync(side);
        if (side.Tally.PublishFailures > 0)
        {
            throw new BenchException($"{side.Tally.PublishFailures} publishes were not confirmed: {side.Tally.FirstFailure}");
        }

        return (events / seconds, (Libc.CpuMicroseconds(side.Service.Process) - replica) / events, (Libc.CpuMicroseconds(_cluster.Redis) - redis) / events);
    }

    /// <summary>Waits for all answers, and for the archive.</summary>
    private async Task SettleAsync(Side side)
    {
        Finish(side);
        var finished = Stopwatch.GetTimestamp();
        if (side == _with)
        {
            await _cluster.WaitArchivedAsync(Archived, static () => { }, _cancellationToken);
        }

        if (s_settling - Stopwatch.GetElapsedTime(finished) is var rest && rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, TimeProvider.System, _cancellationToken);
        }
    }

    private static void Finish(Side side)
    {
        if (!side.Loop.Run(() => side.Loop.Lanes.All(lane => !lane.Busy), s_limit))
        {
            throw new BenchException("Publishes were not answered.");
        }
    }

    private long Memory() => ProcessTree.Of([_cluster.With.Process]).ResidentKiB();

    private sealed record Side(MeasuredService Service, LoadLoop Loop)
    {
        public Tally Tally => Loop.Tally;
    }
}
