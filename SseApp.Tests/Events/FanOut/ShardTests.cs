using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Protocol;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.Events.FanOut;

/// <summary>What a fan-out loop does as time goes by, for clients that take what is sent when the test says so.</summary>
public sealed class ShardTests : IAsyncDisposable
{
    private const int EventBytes = 40_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(20);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly TopicMembers _members = new(new NoHistory());
    private readonly TopicMembers _others = new(new NoHistory());
    private readonly Revocations _revocations = new();
    private readonly CredentialService _credentials;
    private Shard? _shard;
    private long _published;

    public ShardTests() => _credentials = Tokens.Service(_revocations, _time);

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

    [Theory]
    [InlineData("alone")]
    [InlineData("beside another topic")]
    [InlineData("behind a slow send")]
    [InlineData("from the log")]
    [InlineData("after the clock was set")]
    public async Task An_event_of_after_the_end_of_a_token_does_not_come_however_late_the_timers_are(string way)
    {
        var life = TimeSpan.FromMinutes(10);
        var verified = await _credentials.VerifyAsync(Tokens.Make(["*"], life: life));
        var writer = new GatedStreamWriter();
        var connection = Join(
            new StreamingOptions { HeartbeatInterval = TimeSpan.FromMinutes(10), MaxConnectionAge = TimeSpan.Zero, MaxBacklogAge = TimeSpan.FromHours(1) },
            writer,
            verified.Principal,
            way == "beside another topic" ? ["s", "t"] : ["t"],
            way == "from the log" ? [new StreamStart(new Position(new Epoch(1), 7), null)] : null);
        await BeginAsync(writer, connection);
        if (way == "behind a slow send")
        {
            // The first one is being sent, whatever the loop would take of several at once.
            await PublishAsync(1);
            await PublishAsync(2);
            Assert.NotNull(connection.Backlog);
        }

        // Nobody looks at the times.
        if (way == "after the clock was set")
        {
            _time.AdjustTime(_time.GetUtcNow() + life);
        }
        else
        {
            _time.Advance(life);
        }

        switch (way)
        {
            case "behind a slow send":
                await writer.TakeAsync();
                break;
            case "from the log":
                _shard!.Post(ShardWorkKind.Replay, connection, new[] { Entry() });
                break;
            default:
                await PublishAsync(1);
                break;
        }

        await writer.TakeAsync();
        Assert.Equal(CloseReason.TokenExpired, await connection.Completion.WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken));
        string[] before = way == "behind a slow send" ? ["stream.open", "message"] : ["stream.open"];
        Assert.Equal([.. before, "stream.token-expiring", AccessRefusal.EventName], writer.Taken.Select(next => next.Type));
    }

    [Fact]
    public async Task A_revoked_stream_ends_before_the_events_that_wait()
    {
        var verified = await _credentials.VerifyAsync(Tokens.Make(["*"], change: claims => claims["jti"] = "j"));
        var writer = new GatedStreamWriter();
        var connection = Join(new StreamingOptions(), writer, verified.Principal);
        await BeginAsync(writer, connection);

        _revocations.Add(new Revocation(RevocationKind.TokenId, "j", null, null, _time.GetUtcNow(), null));
        await PublishAsync(1);

        await writer.TakeAsync();
        Assert.Equal(CloseReason.TokenRevoked, await connection.Completion.WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.Equal(["stream.open", AccessRefusal.EventName], writer.Taken.Select(next => next.Type));
    }

    public async ValueTask DisposeAsync()
    {
        if (_shard is not null)
        {
            await _shard.DisposeAsync();
        }

        _credentials.Dispose();
        await _services.DisposeAsync();
    }

    private async Task<(GatedStreamWriter Writer, StreamConnection Connection)> OpenAsync(StreamingOptions options)
    {
        var writer = new GatedStreamWriter();
        var connection = Join(options, writer);
        await BeginAsync(writer, connection);
        return (writer, connection);
    }

    /// <summary>Takes the first bytes; what is published from then on is live.</summary>
    private static async Task BeginAsync(GatedStreamWriter writer, StreamConnection connection)
    {
        await writer.TakeAsync();
        await Eventually.Async(() => !connection.IsSending, s_limit, "the loop to see that the first bytes were taken");
    }

    private StreamConnection Join(StreamingOptions options, IStreamWriter writer, Principal? principal = null, string[]? topics = null, StreamStart[]? starts = null)
    {
        _shard ??= new Shard(
            options,
            _time,
            _credentials,
            new RetrySpread(Options.Create(new StormOptions()), _time),
            new EventsMetrics(new SseMeter(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), _time),
            NullLogger.Instance);
        var connection = new StreamConnection(
            writer, _shard, topics is null ? HubRig.Topics : new TopicSet(topics), topics is ["s", "t"] ? [_others, _members] : [_members], starts, Encoding.UTF8.GetBytes("{}"))
        {
            Credential = principal is null ? null : StreamCredential.Create(principal, _time),
        };
        connection.Open();
        return connection;
    }

    private Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _shard!.Post(ShardWorkKind.Deliver, _members, Entry());
        }

        return SettleAsync();
    }

    private LogEntry Entry()
    {
        var block = $"data: {++_published} {new string('x', EventBytes)}\n\n";
        return LogEntry.Parse(Encoding.UTF8.GetBytes($"2 {new Epoch(1)} {_published} 0 {LogEntry.Stamp(1, null)}\n{block}"))!;
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

    private sealed class NoHistory : ITopicHistory
    {
        public void Request(HistoryRequest request)
        {
            // The test answers.
        }

        public LogEntry[] Recent(Position after, Position through, int maxBytes) => [];
    }
}
