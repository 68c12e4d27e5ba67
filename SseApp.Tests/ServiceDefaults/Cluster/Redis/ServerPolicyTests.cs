namespace SseApp.Tests.ServiceDefaults.Cluster.Redis;

/// <summary>Outside Development a service starts with no server that would lose what was acknowledged, or that answers to everybody.</summary>
public sealed class ServerPolicyTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_server_that_evicts_stops_the_start_unless_that_is_accepted()
    {
        await using var server = new RedisServer("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru");
        await AssertRefusedAsync(server, "redis-cli CONFIG SET maxmemory-policy noeviction", "RedisMemory:AllowEviction");
        await using var accepted = await EventsHost.StartAsync(server, null, ("RedisMemory:AllowEviction", "true"));
    }

    [Fact]
    public async Task A_server_without_a_bound_stops_the_start_and_one_with_a_bound_does_not()
    {
        await using var unbounded = new RedisServer();
        await AssertRefusedAsync(unbounded, "redis-cli CONFIG SET maxmemory ", "RedisMemory:AllowNoLimit");
        await using var bounded = new RedisServer("--maxmemory", "64mb");
        await using var host = await EventsHost.StartAsync(bounded, null, ("RedisMemory:AllowNoLimit", "false"));
    }

    [Fact]
    public async Task A_connection_without_a_password_stops_the_start_and_one_with_a_password_does_not()
    {
        await using var open = new RedisServer();
        await AssertRefusedAsync(open, "has no password", "Cluster:AllowRedisWithoutPassword");
        await using var host = await EventsHost.StartAsync("127.0.0.1:1,connectTimeout=50,password=p", null, ("Cluster:AllowRedisWithoutPassword", "false"));
    }

    [Fact]
    public async Task A_server_that_comes_after_the_start_and_has_no_bound_keeps_the_service_out_of_use()
    {
        await using var server = new RedisServer();
        await server.RequireAsync();
        await server.KillAsync();
        await using var host = await EventsHost.StartAsync(
            server.ConnectionString, null, ("RedisMemory:AllowNoLimit", "false"), ("RedisMemory:CheckInterval", "00:00:00.200"));
        await server.RequireAsync();
        await Eventually.Async(
            async () =>
            {
                using var health = await host.Admin.GetAsync("/health", TestContext.Current.CancellationToken);
                return health.StatusCode == HttpStatusCode.ServiceUnavailable
                    && (await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Contains("Redis has no maxmemory", StringComparison.Ordinal);
            },
            s_limit,
            "the health to name it");
    }

    private static async Task AssertRefusedAsync(BackplaneServer server, string message, string setting)
    {
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => EventsHost.StartAsync(server, null, (setting, "false")));
        var wrong = Assert.IsType<OptionsValidationException>(exception is AggregateException all ? all.InnerExceptions[0] : exception);
        Assert.Contains(message, wrong.Message, StringComparison.Ordinal);
        Assert.Contains($"{setting}=true", wrong.Message, StringComparison.Ordinal);
    }
}
