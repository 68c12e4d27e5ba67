using SseApp.Bench.Greedy;
using StackExchange.Redis;

namespace SseApp.Tests.EndToEnd;

/// <summary>
/// How soon new streams follow the replicas, in real processes with the times that users have: nothing but addresses is
/// configured. That it takes at most two seconds is promised, so the time is a limit here.
/// </summary>
public sealed class DiscoveryTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private const int Tries = 20;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    // A heartbeat and a read of the registry, each once a second by default.
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(2);

    private static int s_clients;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_replica_gets_streams_within_two_seconds_of_being_ready()
    {
        var cluster = await OneReplicaAsync();
        await using var connection = await shared.Redis.ConnectAsync();
        var registry = Registry(connection, cluster);
        var late = cluster.Add("late");

        var starting = late.StartAsync();
        await Eventually.PromptlyAsync(
            async () => (await registry.ReadAsync(Cancellation)).Any(record => record.Id == "late" && record.State == ReplicaState.Ready),
            s_limit,
            "the record of the new replica to say ready");
        await UntilServedByAsync(cluster, "late", s_soon);
        await starting;
    }

    [LongFact]
    public async Task A_killed_replica_gets_no_stream_and_is_forgotten_when_its_record_expires()
    {
        var cluster = await OneReplicaAsync();
        var victim = cluster.Add("victim");
        await victim.StartAsync();
        await UntilServedByAsync(cluster, "victim", s_limit);

        await victim.Process.KillAsync();

        var expiry = new ReplicaRegistryOptions().Expiry;
        await Eventually.PromptlyAsync(
            async () =>
            {
                Assert.Equal("r0", await ServedByAsync(cluster));
                return (await cluster.ListAsync()).Count == 1;
            },
            expiry + s_soon,
            "the killed replica to be forgotten");
    }

    [LongFact]
    public async Task A_replica_whose_heartbeat_is_lost_gets_no_stream_although_it_would_serve_it()
    {
        var cluster = await OneReplicaAsync();
        await using var connection = await shared.Redis.ConnectAsync();
        await using var origin = await OriginHost.StartAsync("mute");
        var registry = Registry(connection, cluster);
        await using (await Heartbeats.StartAsync(registry, origin))
        {
            await UntilServedByAsync(cluster, "mute", s_soon);
        }

        await Eventually.Async(
            async () => (await registry.ReadAsync(Cancellation)).All(record => record.Id != "mute"), s_limit, "the record to expire");
        await Eventually.PromptlyAsync(
            async () => (await cluster.ListAsync()).All(replica => replica.GetProperty("id").GetString() != "mute"), s_soon, "the gateway to forget it");

        await AssertServedByAsync(cluster, "r0");
    }

    [LongFact]
    public async Task A_replica_that_drains_gets_no_stream_from_the_announcement_on_and_keeps_those_it_has()
    {
        var cluster = await OneReplicaAsync();
        await using var connection = await shared.Redis.ConnectAsync();
        await using var origin = await OriginHost.StartAsync("o1");
        var registry = Registry(connection, cluster);
        await registry.WriteAsync(origin.Record, announce: true, Cancellation);
        await UntilServedByAsync(cluster, "o1", s_soon);
        // The gateway may take a moment to see that the last client has left. Streams that land on the other replica stay, so that the
        // next one does not.
        using var client = LoopbackClient.Create(cluster.Gateway.Address, s_clients++);
        var streams = new List<StreamClient>();
        do
        {
            Assert.InRange(streams.Count, 0, Tries);
            streams.Add(await StreamClient.OpenAsync(client));
            await streams[^1].ReadUntilAsync("\"replica\":\"");
        }
        while (!(await streams[^1].ReadUntilAsync("}")).Contains("\"replica\":\"o1\"", StringComparison.Ordinal));
        var stream = streams[^1];

        await registry.WriteAsync(origin.Record with { State = ReplicaState.Draining }, announce: true, Cancellation);

        await Eventually.PromptlyAsync(
            async () => (await cluster.ListAsync()).Any(replica => replica.GetProperty("state").GetString() == "draining"), s_soon, "the gateway to hear of the drain");
        await AssertServedByAsync(cluster, "r0");
        origin.Send("data: still here\n\n");
        await stream.ReadUntilAsync("still here");
        streams.ForEach(opened => opened.Dispose());
    }

    [LongFact]
    public async Task One_failed_check_takes_no_replica_out_and_two_do_until_it_passes_again()
    {
        var cluster = await OneReplicaAsync();
        await using var connection = await shared.Redis.ConnectAsync();
        await using var origin = await OriginHost.StartAsync("o1");
        await using var heartbeats = await Heartbeats.StartAsync(Registry(connection, cluster), origin);
        await UntilServedByAsync(cluster, "o1", s_soon);

        origin.Healthy = false;
        await Eventually.Async(() => origin.FailedChecks == 1, s_limit, "a check to fail");
        origin.Healthy = true;
        var served = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < Tries; i++)
        {
            served.Add(await ServedByAsync(cluster));
        }

        Assert.Contains("o1", served);
        var checks = origin.HealthChecks;
        await Eventually.Async(() => origin.HealthChecks > checks, s_limit, "a check to pass");
        Assert.Equal(1, origin.FailedChecks);

        origin.Healthy = false;
        await Eventually.Async(() => origin.FailedChecks == 3, s_limit, "two checks to fail");
        await Eventually.PromptlyAsync(
            async () => (await cluster.ListAsync()).Any(replica => replica.GetProperty("health").GetString() == "unhealthy"), s_soon, "the gateway to take it out");
        await AssertServedByAsync(cluster, "r0");

        origin.Healthy = true;
        await UntilServedByAsync(cluster, "o1", s_limit);
    }

    private Task<ServiceCluster> OneReplicaAsync() => shared.WholeAsync(new ServiceClusterOptions { Replicas = 1, ShortTimes = false });

    private static RedisReplicaRegistry Registry(IConnectionMultiplexer connection, ServiceCluster cluster) => ClusterKey.Registry(connection, cluster.Prefix);

    private static Task UntilServedByAsync(ServiceCluster cluster, string replica, TimeSpan limit) =>
        Eventually.PromptlyAsync(async () => await ServedByAsync(cluster) == replica, limit, $"a new stream to land on {replica}");

    /// <summary>The gateway lists a change a moment before it routes by it.</summary>
    private static async Task AssertServedByAsync(ServiceCluster cluster, string replica)
    {
        await Eventually.PromptlyAsync(
            async () =>
            {
                for (var i = 0; i < Tries; i++)
                {
                    if (await ServedByAsync(cluster) != replica)
                    {
                        return false;
                    }
                }

                return true;
            },
            s_soon,
            $"{Tries} new streams in a row to land on {replica}");
        for (var i = 0; i < Tries; i++)
        {
            Assert.Equal(replica, await ServedByAsync(cluster));
        }
    }

    /// <summary>Opens a stream for a client that was never here, and closes it.</summary>
    private static async Task<string> ServedByAsync(ServiceCluster cluster)
    {
        using var client = LoopbackClient.Create(cluster.Gateway.Address, s_clients++);
        await using var reader = await SseReader.OpenAsync(client, "/events?topic=a");
        return (await reader.OpenedAsync()).GetProperty("replica").GetString()!;
    }
}
