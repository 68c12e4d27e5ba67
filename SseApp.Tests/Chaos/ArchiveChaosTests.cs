using StackExchange.Redis;

namespace SseApp.Tests.Chaos;

/// <summary>
/// Real processes under 250 events a second, of which Redis keeps the newest second: whoever is killed, each event comes once and in
/// order, also to clients that begin with the oldest one meanwhile, and to those that come back with an id of before all of it.
/// </summary>
public sealed class ArchiveChaosTests
{
    private const int Warm = 250;
    private const int Subscribers = 20;
    private const int Away = 5;
    private const int Late = 10;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task Nothing_is_lost_with_the_archiver_the_database_its_primary_or_Redis()
    {
        await using var redis = new AofRedisServer();
        await using var primary = await PostgresNode.StartAsync();
        await using var standby = await primary.AddStandbyAsync();
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions
        {
            Replicas = 2,
            Settings =
            [
                ("Archive:Mode", "PostgreSQL"),
                ("ConnectionStrings:archive", $"Host=127.0.0.1:{primary.Port},127.0.0.1:{standby.Port};Database=postgres;Username=postgres;SSL Mode=Disable;Host Recheck Seconds=1"),
                ("Archive:Interval", "00:00:00.200"),
                ("TopicLog:MaxEvents", "20"),
                // On a slow machine it publishes for minutes.
                ("TopicLog:MaxIdempotencyKeys", "1000000"),
                ("Topics:RingBytes", "4096"),
            ],
        });
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, Subscribers);
        await load.AcknowledgedAsync(Warm);
        await load.LeaveAsync(Away);
        await load.AcknowledgedAsync(Warm);

        // A replica, which archives half of the shards.
        await cluster.Replicas[0].Process.KillAsync();
        load.JoinEarliest(Late);
        await load.AcknowledgedAsync(Warm);
        await cluster.Replicas[0].StartAsync();
        await cluster.HealthyAsync(2);

        // The database, while the leases of the replica may not have ended. Publishes have nothing to do with it.
        var repeated = load.Repeated;
        await primary.KillAsync();
        load.JoinEarliest(Late);
        await load.AcknowledgedAsync(2 * Warm);
        await primary.RestartAsync();
        Assert.Equal(repeated, load.Repeated);

        await redis.KillAsync();
        load.JoinEarliest(Late);
        await redis.RequireAsync();
        await load.AcknowledgedAsync(Warm);
        await ArchivedAsync(redis, cluster, load);

        // For good: what the standby had not got is still in Redis.
        repeated = load.Repeated;
        await primary.KillAsync();
        load.JoinEarliest(Late);
        await load.AcknowledgedAsync(Warm);
        await standby.PromoteAsync();
        await load.AcknowledgedAsync(Warm);
        await ArchivedAsync(redis, cluster, load);
        Assert.Equal(repeated, load.Repeated);

        load.ComeBack(Away);
        await load.AcknowledgedAsync(Warm);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
        Assert.Equal(0, await standby.AskAsync<long>("postgres", "SELECT count(*) - count(DISTINCT (log, off)) FROM sse.events"));
    }

    [LongFact]
    public async Task A_full_disk_of_the_database_is_reported_and_loses_nothing()
    {
        await using var disk = await SmallDisk.MountAsync();
        disk.Require();
        await using var node = await PostgresNode.StartAsync();
        var folder = Path.Combine(disk.Folder, "space");
        Directory.CreateDirectory(folder);
        await PostgresPrograms.OwnAsync(folder);
        await node.ExecuteAsync("postgres", $"CREATE TABLESPACE small LOCATION '{folder}'");
        await node.ExecuteAsync("postgres", "CREATE DATABASE full_disk");
        await node.ExecuteAsync("postgres", "ALTER DATABASE full_disk SET default_tablespace = small");
        await using var redis = new RedisServer();
        await using var host = await EventsHost.StartAsync(
            redis,
            null,
            ("Archive:Mode", "PostgreSQL"),
            ("Archive:Interval", "00:00:00.050"),
            ("ConnectionStrings:archive", node.ConnectionTo("full_disk")),
            ("TopicLog:MaxEvents", "20"),
            ("Topics:RingBytes", "4096"),
            ("Logging:LogLevel:Default", "Warning"));
        await PublishAsync(1, 10);
        await using var connection = await redis.ConnectAsync();
        await ArchivedAsync(10);
        disk.Fill();
        try
        {
            await PublishAsync(11, 1_500);
            await Eventually.Async(async () => (await host.Admin.GetStringAsync(new Uri("/health", UriKind.Relative), Cancelled)).Contains("Events are not archived", StringComparison.Ordinal), s_limit, "the health to name the archive");
            using var health = await host.Admin.GetAsync(new Uri("/health", UriKind.Relative), Cancelled);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
            Assert.Contains(host.Get<Microsoft.Extensions.Logging.Testing.FakeLogCollector>().GetSnapshot(), record => record.Message.StartsWith("Events are not archived", StringComparison.Ordinal));
        }
        finally
        {
            disk.Free();
        }

        await ArchivedAsync(1_500);
        await using var whole = await SseReader.OpenAsync(host.Client, "/events?topic=d&lastEventId=earliest");
        await whole.OpenedAsync();
        Assert.Equal(Enumerable.Range(1, 1_500).Select(i => $"{i}"), (await whole.DataAsync(1_500)).Select(data => data.Split(' ')[0]));

        async Task PublishAsync(int first, int last)
        {
            var padding = new string('x', 2_000);
            var lines = Enumerable.Range(first, last - first + 1).Select(i => JsonSerializer.Serialize(new { topic = "d", data = $"{i} {padding}" }));
            foreach (var chunk in lines.Chunk(500))
            {
                using var body = new StringContent(string.Join('\n', chunk), Encoding.UTF8, "application/x-ndjson");
                using var answer = await host.Client.PostAsync(new Uri("/publish", UriKind.Relative), body, Cancelled);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }
        }

        Task ArchivedAsync(long offset) => Eventually.Async(
            async () => (long?)await connection.GetDatabase().HashGetAsync($"{host.Prefix}:{{d}}:counter", "archived") == offset, s_limit, $"the archive to have all {offset} events");
    }

    /// <summary>Waits until the archive has, of each topic, everything that was acknowledged up to now.</summary>
    private static async Task ArchivedAsync(BackplaneServer redis, ServiceCluster cluster, ChaosLoad load)
    {
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        foreach (var topic in load.NumberedTopics)
        {
            RedisKey counter = $"{cluster.Prefix}:{{{topic.Name}}}:counter";
            var offset = (long)await database.HashGetAsync(counter, "offset");
            await Eventually.Async(async () => (long?)await database.HashGetAsync(counter, "archived") >= offset, s_limit, $"{topic.Name} in the archive up to {offset}");
        }
    }
}
