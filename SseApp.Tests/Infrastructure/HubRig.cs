using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.Events.Streaming;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults.Telemetry;

namespace SseApp.Tests.Infrastructure;

/// <summary>Real hubs and shards on a scripted log, without HTTP.</summary>
internal sealed class HubRig : IAsyncDisposable
{
    public const string Topic = "t";

    public static readonly TopicSet Topics = new([Topic]);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ShardSet _shards;
    private readonly CatchUpTurns _turns;

    public HubRig(ScriptedTopicLog log, int ringBytes, long totalRingBytes = 64 * 1024 * 1024, int maxQueuedEvents = 100_000)
    {
        var metrics = new EventsMetrics(new SseMeter(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), TimeProvider.System);
        _shards = new ShardSet(Options.Create(new StreamingOptions { Shards = 2, MaxQueuedEvents = maxQueuedEvents }), TimeProvider.System, metrics, NullLogger<Shard>.Instance);
        var options = Options.Create(new TopicsOptions { RingBytes = ringBytes, TotalRingBytes = totalRingBytes, UnsubscribeGrace = TimeSpan.Zero });
        _turns = new CatchUpTurns(_shards);
        Budget = new RingBudget(options);
        Hubs = new TopicHubs(
            log, _shards, metrics, new HastyTimeProvider(), _turns, Budget, options, Options.Create(new TopicLogOptions()), NullLogger<TopicHubs>.Instance);
    }

    public TopicHubs Hubs { get; }

    public RingBudget Budget { get; }

    /// <summary>Events that wait for the fullest shard.</summary>
    public int Queued => _shards.All.Max(shard => shard.QueuedEvents);

    /// <summary>Keeps the shards from delivering anything until <paramref name="released"/>.</summary>
    public void Block(Task released) => _shards.PostAll(ShardWorkKind.Run, () => released.GetAwaiter().GetResult());

    /// <summary>Opens a stream as the endpoint does.</summary>
    public async Task<(MemoryStreamWriter Writer, Func<Task> CloseAsync)> OpenAsync(StreamOrigin origin, int slowness = 0)
    {
        var hub = await Hubs.AcquireAsync(Topic, TimeSpan.FromSeconds(10) * HastyTimeProvider.Haste, TestContext.Current.CancellationToken);
        StreamStart[]? starts = origin.IsLive
            ? null
            : [await hub.FindStartAsync(origin, 0, PositionCodec.MarkBits(1)).WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System)];
        var index = _shards.NextIndex();
        var writer = new MemoryStreamWriter(slowness);
        var connection = new StreamConnection(writer, _shards.All[index], Topics, [hub.MembersIn(index)], starts, Encoding.UTF8.GetBytes("{}"));
        _shards.All[index].Post(ShardWorkKind.Join, connection);
        return (writer, CloseAsync);

        async Task CloseAsync()
        {
            _shards.All[index].Post(ShardWorkKind.Close, connection, CloseReason.Client);
            await connection.Completion.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
            Hubs.Release(hub);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _shards.DisposeAsync();
        _turns.Dispose();
        await _services.DisposeAsync();
    }
}
