namespace SseApp.Bench.Archive;

/// <summary>Clients that are far behind, and get what they missed from the archive.</summary>
internal sealed class ArchiveReads : IDisposable
{
    public const int Clients = 1_000;

    private const int Size = 200;
    private const double MinEventsPerSecond = 50_000;
    private const double MaxQueries = 1.2;
    // What Redis keeps of a topic, and an eighth of it before it is trimmed.
    private const int InRedis = 1_200;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(1);

    private readonly ArchiveCluster _cluster;
    private readonly CancellationToken _cancellationToken;
    private readonly long _before;
    private readonly int _rounds;
    private readonly int _far;
    private readonly int _near;

    /// <param name="cluster">What is asked.</param>
    /// <param name="quick">Fewer events.</param>
    /// <param name="before">Events that the archive has already.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ArchiveReads(ArchiveCluster cluster, bool quick, long before, CancellationToken cancellationToken)
    {
        (_cluster, _before, _cancellationToken) = (cluster, before, cancellationToken);
        (_rounds, _far, _near) = quick ? (1, 20_000, 5_000) : (4, 100_000, 20_000);
    }

    public async Task RunAsync(ArchiveReport report)
    {
        // One for each client alone, so that no page is in memory; then one for all of them. The first one warms up.
        var alone = await HistoriesAsync(1 + _rounds, _far);
        var (rates, cpus) = (new List<double>(), new List<double>());
        for (var i = 0; i < alone.Length; i++)
        {
            Cli.Progress($"one client, {_far} events behind, {i} of {_rounds}");
            var cpu = Libc.CpuMicroseconds(_cluster.With.Process);
            var seconds = Read(alone[i], 1);
            if (i > 0)
            {
                rates.Add(_far / seconds);
                cpus.Add((Libc.CpuMicroseconds(_cluster.With.Process) - cpu) / _far);
            }
        }

        var (mean, error) = PairedFigure.Spread([.. rates]);
        report.Add(
            $"a client {_far} events behind: events/s, all in order and once",
            string.Create(CultureInfo.InvariantCulture, $"{mean:0} ± {error:0} ({cpus.Average():0.0} µs of the replica's CPU an event)"),
            string.Create(CultureInfo.InvariantCulture, $"≥ {MinEventsPerSecond:0}"),
            mean >= MinEventsPerSecond);

        var shared = await HistoriesAsync(2, _near);
        Cli.Progress($"one client, {_near} events behind");
        var start = await _cluster.QueriesAsync(_cancellationToken);
        Read(shared[0], 1);
        var one = await _cluster.QueriesAsync(_cancellationToken) - start;
        Cli.Progress($"{Clients} clients, {_near} events behind");
        start = await _cluster.QueriesAsync(_cancellationToken);
        var all = Read(shared[1], Clients);
        var many = await _cluster.QueriesAsync(_cancellationToken) - start;
        report.Add(
            $"{Clients} clients at once, {_near} events behind on one topic: queries",
            string.Create(CultureInfo.InvariantCulture, $"{many}, of one client alone {one} ({(double)Clients * _near / all:0} events/s to all)"),
            string.Create(CultureInfo.InvariantCulture, $"≤ {MaxQueries:0.0} × one's"),
            many <= MaxQueries * one);
    }

    public void Dispose() => _histories.ForEach(loop => loop.Dispose());

    private readonly List<LoadLoop> _histories = [];

    /// <summary>Topics with so many events in the archive, and the newest ones in Redis.</summary>
    private async Task<LoadPlan[]> HistoriesAsync(int topics, int events)
    {
        Cli.Progress($"writing {topics} × {events} events");
        var plans = new LoadPlan[topics];
        for (var i = 0; i < topics; i++)
        {
            plans[i] = new LoadPlan(_cluster.With.Target, Streams: 0, Topics: 1, LanesPerTopic: 1, Publishers: 1, Size);
            var loop = new LoadLoop(plans[i], _cancellationToken);
            _histories.Add(loop);
            Publish(loop, events - InRedis);
        }

        await _cluster.WaitArchivedAsync(_before + _histories.Sum(loop => loop.Lanes[0].Acknowledged), static () => { }, _cancellationToken);
        // The next publish lets go what is archived.
        foreach (var loop in _histories.TakeLast(topics))
        {
            Publish(loop, InRedis);
        }

        await _cluster.WaitArchivedAsync(_before + _histories.Sum(loop => loop.Lanes[0].Acknowledged), static () => { }, _cancellationToken);
        return plans;
    }

    private static void Publish(LoadLoop loop, long events)
    {
        var plan = new BatchPlan(loop.Lanes[0], events);
        if (!loop.Run(() => plan.IsDone, s_limit, plan) || loop.Tally.PublishFailures > 0)
        {
            throw new BenchException($"A history could not be published: {loop.Tally.FirstFailure ?? "it took too long"}.");
        }
    }

    /// <returns>Seconds until all have everything.</returns>
    private double Read(LoadPlan history, int clients)
    {
        var events = _histories.First(loop => loop.Plan == history).Lanes[0].Acknowledged;
        using var loop = new LoadLoop(history with { Streams = clients, Publishers = 0, Start = "earliest" }, _cancellationToken);
        var started = Stopwatch.GetTimestamp();
        var whole = loop.Run(() => loop.Tally.Delivered >= clients * events || loop.Tally.Ended > 0, s_limit);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        loop.Run(() => false, s_late);
        return whole && loop.Tally is { Duplicates: 0, Reordered: 0, GapsTold: 0, Ended: 0 } tally && tally.Delivered == clients * events
            ? seconds
            : throw new BenchException(
                $"Of {clients} × {events} events {loop.Tally.Delivered} came, {loop.Tally.Duplicates} twice, {loop.Tally.Reordered} out of order, {loop.Tally.GapsTold} gaps ({loop.Tally.FirstFailure ?? "no stream ended"}).");
    }
}
