namespace SseApp.Tests.ServiceDefaults.Cluster.Redis;

/// <summary>A failover by hand: an operator makes a replica of Redis the primary. The client library alone asks a server what it is once a minute.</summary>
public sealed class PromotionTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    // What is promised is "a few seconds"; without that it was up to a minute.
    private static readonly TimeSpan s_promotionLimit = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Publishes_are_taken_again_soon_after_the_server_that_only_read_is_promoted()
    {
        await using var own = new RedisServer();
        await using var host = await EventsHost.StartAsync(own);
        await using var operators = await own.ConnectAsync();
        var server = operators.GetServers()[0];
        await server.ExecuteAsync("REPLICAOF", "127.0.0.1", "1");
        // As after the network, or the server's restart: what is connected now knows that it only reads.
        await server.ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await RefusedAsync(host);

        await server.ExecuteAsync("REPLICAOF", "NO", "ONE");

        await TakenAsync(host);
    }

    [Fact]
    public async Task Publishes_are_taken_again_soon_after_the_primary_is_gone_and_the_replica_beside_it_promoted()
    {
        await using var first = new RedisServer();
        await first.RequireAsync();
        await using var second = new RedisServer("--replicaof", "127.0.0.1", $"{first.Port}");
        await using var host = await OfBothAsync(first, second);
        await using var operators = await second.ConnectAsync();
        await first.KillAsync();
        await RefusedAsync(host);

        await operators.GetServers()[0].ExecuteAsync("REPLICAOF", "NO", "ONE");

        await TakenAsync(host);
    }

    /// <summary>Both are there, and change places: who is connected to the one that only reads now goes to the other.</summary>
    [Fact]
    public async Task Publishes_are_taken_again_soon_after_two_servers_change_places()
    {
        await using var first = new RedisServer();
        await first.RequireAsync();
        await using var second = new RedisServer("--replicaof", "127.0.0.1", $"{first.Port}");
        await using var host = await OfBothAsync(first, second);
        await using var one = await first.ConnectAsync();
        await using var two = await second.ConnectAsync();

        await two.GetServers()[0].ExecuteAsync("REPLICAOF", "NO", "ONE");
        await one.GetServers()[0].ExecuteAsync("REPLICAOF", "127.0.0.1", $"{second.Port}");

        await Eventually.Async(async () => await StatusAsync(host) == HttpStatusCode.Created && (long)await two.GetDatabase().ExecuteAsync("DBSIZE") > 0
            && await two.GetDatabase().KeyExistsAsync("sse:{promoted}:log"), s_promotionLimit, "a publish that the new primary takes");
        await TakenAsync(host);
    }

    /// <summary>A service that knows both and has published.</summary>
    private static async Task<EventsHost> OfBothAsync(RedisServer first, RedisServer second)
    {
        await second.RequireAsync();
        var host = await EventsHost.StartAsync($"127.0.0.1:{first.Port},127.0.0.1:{second.Port},connectTimeout=2000", "sse");
        await TakenAsync(host);
        return host;
    }

    private static Task RefusedAsync(EventsHost host) => Eventually.Async(async () => await StatusAsync(host) == HttpStatusCode.ServiceUnavailable, s_limit, "a publish to be refused");

    private static Task TakenAsync(EventsHost host) => Eventually.Async(async () => await StatusAsync(host) == HttpStatusCode.Created, s_promotionLimit, "a publish to be taken");

    private static async Task<HttpStatusCode> StatusAsync(EventsHost host)
    {
        using var content = new StringContent("1");
        using var answer = await host.Client.PostAsync("/topics/promoted/events", content, Cancellation);
        return answer.StatusCode;
    }
}
