using SseApp.Tests.Chaos;

namespace SseApp.Tests.Matrix;

/// <summary>
/// EventSources of npm's package and of Chromium on a topic that is published to all the time. After each thing that is
/// done to their replicas everybody must have an open stream and an event published after it began.
/// </summary>
internal sealed class MatrixRun : IAsyncDisposable
{
    private const int ClientsPerAddress = 5;

    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    // What the gateway promises: everybody streams again within this time of the recovery. Seen: 1.3 s on a busy machine.
    private static readonly TimeSpan s_recovery = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly ServiceCluster _cluster;
    private readonly Crowd _node;
    private readonly Crowd _chromium;
    private readonly HttpClient _client;
    private readonly NumberedTopic _topic;
    private readonly ITestOutputHelper _output;
    private readonly Task _publishing;

    private MatrixRun(ServiceCluster cluster, Crowd node, Crowd chromium, ITestOutputHelper output)
    {
        (_cluster, _node, _chromium, _output) = (cluster, node, chromium, output);
        _client = new HttpClient { BaseAddress = cluster.Gateway.Address };
        _topic = new NumberedTopic("matrix", _client);
        _publishing = PublishAsync();
    }

    /// <summary>Everybody streams when this completes.</summary>
    public static async Task<MatrixRun> StartAsync(
        RedisServer redis, ITestOutputHelper output, int nodeClients, int chromiumClients, params (string Key, string Value)[] settings)
    {
        var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions
        {
            Replicas = 2,
            Piped = true,
            GatewayAddresses = chromiumClients / ClientsPerAddress,
            Settings = [("Cors:Origins:0", "*"), ("Drain:Window", "00:00:01"), .. settings],
        });
        var stream = new Uri(cluster.Gateway.Address, "/events?topic=matrix");
        Crowd? node = null;
        Crowd? chromium = null;
        try
        {
            node = await Crowd.OpenInNodeAsync(nodeClients, stream);
            chromium = await Crowd.OpenInChromiumAsync(chromiumClients, stream);
            await Eventually.Async(
                () => node.State.Open == nodeClients && chromium.State.Open == chromiumClients, s_limit, "all EventSources to be open");
        }
        catch
        {
            await DisposeAsync(chromium, node, cluster);
            throw;
        }

        var run = new MatrixRun(cluster, node, chromium, output);
        await run.StreamingAsync("the first events", s_limit);
        return run;
    }

    /// <summary>The replica with most streams has this fault until everybody is elsewhere.</summary>
    public async Task BreakAsync(PipeFault fault)
    {
        var pipe = _cluster.Pipes[await BusiestAsync()];
        var opened = _node.State.Opened;
        pipe.Break(fault);
        await Eventually.Async(() => fault == PipeFault.Refuse || pipe.Met > 0, s_limit, $"a connection to meet the fault {fault}");
        await Eventually.Async(() => _node.State.Opened > opened, s_limit, $"streams to open again during the fault {fault}");
        if (fault != PipeFault.CutInEvent)
        {
            // A replica that let every stream begin and cut it would harm for as long as it did; a killed one does so once.
            await StreamingAsync($"{fault}, while it lasts", s_limit);
        }

        pipe.Mend();
        await _cluster.HealthyAsync(2);
        await StreamingAsync($"{fault}, after it", s_recovery);
    }

    /// <summary>The replica with most streams stops as it should and starts again.</summary>
    public async Task DrainAsync()
    {
        var draining = _cluster.Replicas[await BusiestAsync()];
        draining.Process.Terminate();
        await draining.Process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);
        await StreamingAsync("the drain of a replica", s_recovery);
        await draining.StartAsync();
        await _cluster.HealthyAsync(2);
    }

    /// <summary>Nobody is there for that long.</summary>
    public async Task KillAllAsync(TimeSpan outage)
    {
        foreach (var replica in _cluster.Replicas)
        {
            await replica.Process.KillAsync();
        }

        await Task.Delay(outage, TimeProvider.System, TestContext.Current.CancellationToken);
        await Task.WhenAll(_cluster.Replicas.Select(replica => replica.StartAsync()));
        await StreamingAsync("the end of all replicas", s_recovery);
    }

    /// <summary>Everybody has every event, once and in order.</summary>
    public async Task FinishAsync()
    {
        await _stopping.CancelAsync();
        await _publishing;
        await Eventually.Async(
            () => _node.State.Received == _topic.Count && _chromium.State.Received == _topic.Count, s_limit, $"everybody to have all {_topic.Count} events");
        Assert.Empty(_node.State.Faults);
        Assert.Empty(_chromium.State.Faults);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        try
        {
            await _publishing;
        }
        finally
        {
            // A publish that failed is the test's failure, and leaves no process behind.
            await DisposeAsync(_chromium, _node, _cluster);
            _topic.Dispose();
            _client.Dispose();
            _stopping.Dispose();
        }
    }

    private static async ValueTask DisposeAsync(params IAsyncDisposable?[] owned)
    {
        foreach (var one in owned)
        {
            await (one?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    /// <summary>Streams do not move without need: one that recovered may have none, and a fault of it would harm nobody.</summary>
    private async Task<int> BusiestAsync()
    {
        int[] streams = [];
        await Eventually.Async(
            async () =>
            {
                var replicas = await _cluster.ListAsync();
                streams = [.. _cluster.Replicas.Select(one => replicas.Single(replica => replica.GetProperty("id").GetString() == one.Name).GetProperty("connections").GetInt32())];
                return streams.Sum() == _node.State.Count + _chromium.State.Count;
            },
            s_limit,
            "the replicas to count each stream once");
        return streams.IndexOf(streams.Max());
    }

    private async Task StreamingAsync(string phase, TimeSpan limit)
    {
        var started = Stopwatch.GetTimestamp();
        var target = _topic.Count + 1;
        try
        {
            await Eventually.Async(
                () =>
                {
                    AssertNobodyIsClosed(phase, _node.State);
                    AssertNobodyIsClosed(phase, _chromium.State);
                    return IsStreaming(_node.State, target) && IsStreaming(_chromium.State, target);
                },
                limit,
                $"everybody to stream after {phase}");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException(
                $"{exception.Message} Node: {_node.State}; Chromium: {_chromium.State}; published: {_topic.Count}, wanted: {target}.", exception);
        }

        _output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{phase}: all streaming after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s"));
    }

    private static bool IsStreaming(CrowdState state, int target) => state.Open == state.Count && state.Received >= target;

    private static void AssertNobodyIsClosed(string phase, CrowdState state) =>
        Assert.True(state.Closed == 0, $"{state.Closed} of {state.Count} EventSources closed for ever: {phase}. {string.Join("; ", state.Faults)}");

    private async Task PublishAsync()
    {
        using var pace = new PeriodicTimer(s_pace, TimeProvider.System);
        while (!_stopping.IsCancellationRequested)
        {
            await _topic.PublishAsync(CancellationToken.None);
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
