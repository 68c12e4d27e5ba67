using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Protocol;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.Infrastructure;

/// <summary>Real hubs and shards on a scripted log, without HTTP.</summary>
internal sealed class HubRig : IAsyncDisposable
{
    public const string Topic = "t";

    public static readonly TopicSet Topics = new([Topic]);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly CredentialService _credentials = Tokens.Service(new Revocations(), TimeProvider.System);
    private readonly ShardSet _shards;
    private readonly CatchUpTurns _turns;
    private readonly TopicSet _topics;

    /// <param name="log">Of <paramref name="topics"/>.</param>
    /// <param name="ringBytes">See <see cref="TopicsOptions.RingBytes"/>.</param>
    /// <param name="totalRingBytes">See <see cref="TopicsOptions.TotalRingBytes"/>.</param>
    /// <param name="maxQueuedEvents">See <see cref="StreamingOptions.MaxQueuedEvents"/>.</param>
    /// <param name="topics">Of each stream; <see cref="Topics"/> if not given.</param>
    /// <param name="logOptions">The defaults if not given.</param>
    /// <param name="archive">What is behind the log.</param>
    public HubRig(
        ITopicLog log, int ringBytes, long totalRingBytes = 64 * 1024 * 1024, int maxQueuedEvents = 100_000, TopicSet? topics = null, TopicLogOptions? logOptions = null, ArchiveHistory? archive = null)
    {
        _topics = topics ?? Topics;
        var metrics = new EventsMetrics(new SseMeter(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), TimeProvider.System);
        _shards = new ShardSet(Options.Create(new StreamingOptions { Shards = 2, MaxQueuedEvents = maxQueuedEvents }), TimeProvider.System, _credentials, new RetrySpread(Options.Create(new StormOptions()), TimeProvider.System), metrics, NullLogger<Shard>.Instance);
        var options = Options.Create(new TopicsOptions { RingBytes = ringBytes, TotalRingBytes = totalRingBytes, UnsubscribeGrace = TimeSpan.Zero });
        _turns = new CatchUpTurns(_shards);
        Budget = new RingBudget(options);
        Hubs = new TopicHubs(
            log, _shards, metrics, new HastyTimeProvider(), _turns, Budget, options, Options.Create(logOptions ?? new TopicLogOptions()), NullLogger<TopicHubs>.Instance, archive: archive);
    }

    public TopicHubs Hubs { get; }

    public RingBudget Budget { get; }

    /// <summary>Events that wait for the fullest shard.</summary>
    public int Queued => _shards.All.Max(shard => shard.Room.Events);

    /// <summary>Keeps the shards from delivering anything until <paramref name="released"/>.</summary>
    public void Block(Task released) => Array.ForEach(_shards.All, shard => shard.Run(() => released.GetAwaiter().GetResult()));

    /// <summary>Opens a stream as the endpoint does.</summary>
    public async Task<(MemoryStreamWriter Writer, Func<Task> CloseAsync)> OpenAsync(ResumePoint origin, int slowness = 0)
    {
        var writer = new MemoryStreamWriter(slowness);
        return (writer, await OpenAsync(origin, writer));
    }

    /// <returns>Closes the stream as its client.</returns>
    public async Task<Func<Task>> OpenAsync(ResumePoint origin, IStreamWriter writer)
    {
        var hubs = Hubs.TryAcquire(_topics.Names) ?? await Task.WhenAll(_topics.Names.Select(
            topic => Hubs.AcquireAsync(topic, TimeSpan.FromSeconds(10) * HastyTimeProvider.Haste, TestContext.Current.CancellationToken)));
        var bits = PositionCodec.MarkBits(_topics.Count);
        StreamStart[]? starts = origin.IsLive
            ? null
            : TopicHubs.FindStarts(hubs, origin) ?? await Task.WhenAll(hubs.Select((hub, slot) => hub.FindStartAsync(origin, slot, bits))).WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        var index = _shards.NextIndex();
        var connection = new StreamConnection(writer, _shards.All[index], _topics, [.. hubs.Select(hub => hub.MembersIn(index))], starts, Encoding.UTF8.GetBytes("{}"));
        connection.Open();
        return CloseAsync;

        async Task CloseAsync()
        {
            connection.Leave();
            await connection.Completion.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
            Array.ForEach(hubs, Hubs.Release);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _shards.DisposeAsync();
        _turns.Dispose();
        _credentials.Dispose();
        await _services.DisposeAsync();
    }
}

/// <summary>The system's time, but nobody waits long.</summary>
internal sealed class HastyTimeProvider : TimeProvider
{
    public const int Haste = 50;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / Haste : dueTime, period);
}
