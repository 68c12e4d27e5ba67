using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.Events.FanOut;

/// <summary>What a fan-out loop does as time goes by, for clients that take what is sent when the test says so.</summary>
public sealed class ShardTests : IAsyncDisposable
{
    private const int EventBytes = 40_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(20);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new();
    private readonly TopicMembers _members = new(null!);
    private Shard? _shard;
    private long _published;

    [Fact]
    public async Task An_event_that_waits_too_long_ends_the_stream_of_a_client_that_takes_a_little_now_and_then()
    {
        var (writer, connection) = await OpenAsync(new StreamingOptions { HeartbeatInterval = TimeSpan.FromMinutes(10) });
        await PublishAsync(10);

        // No send takes 30 s, but what is behind them waits longer.
        await AdvanceAsync(s_step);
        await writer.TakeAsync();
        await writer.OfferedAsync();
        Assert.Null(connection.Closing);
        await AdvanceAsync(s_step);

        await writer.TakeAsync();
        await writer.TakeAsync();
        Assert.Equal(CloseReason.SlowConsumer, await connection.Completion.WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.InRange(writer.Taken.Length, 2, 6);
    }

    [Fact]
    public async Task An_event_that_waits_too_long_is_dropped_and_reported_where_the_policy_is_to_drop()
    {
        var options = new StreamingOptions { HeartbeatInterval = TimeSpan.FromMinutes(10) };
        options.Overflow.Add(new OverflowRule { Pattern = "*", Policy = OverflowPolicy.DropOldest });
        var (writer, connection) = await OpenAsync(options);
        await PublishAsync(10);
        await AdvanceAsync(s_step);
        await writer.TakeAsync();
        await writer.OfferedAsync();
        await PublishAsync(2);

        await AdvanceAsync(s_step);

        while (writer.Taken is not [.., { Data: var newest }] || !newest.StartsWith("12 ", StringComparison.Ordinal))
        {
            await writer.TakeAsync();
        }

        Assert.Null(connection.Closing);
        var messages = writer.Taken.Where(next => next.Type == "message").Select(next => next.Data.Split(' ')[0]).ToArray();
        var gap = Assert.Single(writer.Taken, next => next.Type == "stream.gap");
        Assert.Equal($$"""{"topic":"t","reason":"overflow","from":{{messages.Length - 1}},"to":10}""", gap.Data);
        Assert.Equal(["11", "12"], messages[^2..]);
    }

    [Fact]
    public async Task Connections_of_one_moment_end_at_different_ages_around_the_maximum()
    {
        var options = new StreamingOptions
        {
            HeartbeatInterval = TimeSpan.FromMinutes(10),
            MaxConnectionAge = TimeSpan.FromSeconds(100),
            MaxConnectionAgeJitter = 0.2,
        };
        var opened = new List<StreamConnection>();
        for (var i = 0; i < 100; i++)
        {
            opened.Add(Join(options, new MemoryStreamWriter(0)));
        }

        // Their ages count from when the loop takes them in.
        await SettleAsync();

        int[] ended = [.. await EndedAtAsync(79), .. await EndedAtAsync(21), .. await EndedAtAsync(21)];

        Assert.Equal(0, ended[0]);
        Assert.InRange(ended[1], 20, 80);
        Assert.Equal(100, ended[2]);
        Assert.All(opened, connection => Assert.Equal(CloseReason.Age, connection.Closing));

        async Task<int[]> EndedAtAsync(int seconds)
        {
            await AdvanceAsync(TimeSpan.FromSeconds(seconds));
            return [opened.Count(connection => connection.Closing is not null)];
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_shard is not null)
        {
            await _shard.DisposeAsync();
        }

        await _services.DisposeAsync();
    }

    private async Task<(GatedStreamWriter Writer, StreamConnection Connection)> OpenAsync(StreamingOptions options)
    {
        var writer = new GatedStreamWriter();
        var connection = Join(options, writer);
        await writer.TakeAsync();
        await Eventually.Async(() => !connection.IsReplaying, s_limit, "the stream to reach the live end");
        return (writer, connection);
    }

    private StreamConnection Join(StreamingOptions options, IStreamWriter writer)
    {
        _shard ??= new Shard(
            options,
            _time,
            new EventsMetrics(new SseMeter(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), _time),
            NullLogger.Instance);
        var connection = new StreamConnection(writer, _shard, HubRig.Topics, [_members], null, Encoding.UTF8.GetBytes("{}"));
        connection.Open();
        return connection;
    }

    private Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var block = $"data: {++_published} {new string('x', EventBytes)}\n\n";
            _shard!.Post(ShardWorkKind.Deliver, _members, LogEntry.Parse(Encoding.UTF8.GetBytes($"2 {new Epoch(1)} {_published} 0 {LogEntry.Stamp(1, null)}\n{block}")));
        }

        return SettleAsync();
    }

    private Task AdvanceAsync(TimeSpan time)
    {
        _time.Advance(time);
        _shard!.Tick();
        return SettleAsync();
    }

    /// <summary>Two rounds: the visit of members comes after the queue, and what it sends is looked at then.</summary>
    private async Task SettleAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            await _shard!.InspectAsync(_ => 0).WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}
