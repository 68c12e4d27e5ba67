using Microsoft.Extensions.Hosting;
using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.WarmUp;
using SseApp.ServiceDefaults.Defaults.Http;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.ServiceDefaults.Cluster.WarmUp;

/// <summary>Services open streams to themselves before they are ready.</summary>
public sealed class WarmUpTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    // Whatever else the machine does meanwhile.
    private static readonly (string, string)[] s_on = [("WarmUp:Enabled", "true"), ("WarmUp:Limit", "00:01:00")];
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task A_replica_is_ready_after_it_and_counts_it_as_nobodys(string anonymous)
    {
        var replica = Own(await EventsHost.StartAsync(
            redis,
            null,
            [
                .. s_on,
                ("Logging:LogLevel:Default", "Information"),
                ("Security:AllowAnonymous", anonymous),
                ("Security:Issuers:0:Issuer", "https://issuer.test"),
                ("Security:Issuers:0:Audience", "sse"),
                ("Security:Issuers:0:Key", "0123456789abcdef0123456789abcdef"),
                ("Streaming:MaxConnections", "1"),
            ]));
        await UntilReadyAsync(replica.Client);

        AssertWarm(replica.Services);
        AssertNobody(replica);
    }

    [Fact]
    public async Task A_gateway_is_ready_after_it_when_there_is_a_replica()
    {
        var prefix = Guid.NewGuid().ToString("N");
        // Clients of other networks only; limits that nobody could keep.
        var gateway = await GatewayOnRedisAsync(
            redis, prefix, replicas: 0, [.. s_on, ("Access:Allow:0", "192.0.2.0/24"), ("Access:Allow:1", "127.0.0.1"), ("Limits:StreamsPerAddress", "1"), ("Limits:ConnectsPerSecond", "1")]);
        var health = await gateway.Admin.GetAsync("/health", Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Contains("opens streams to itself", await health.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

        var replica = Own(await EventsHost.StartAsync(redis, prefix, ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200")));
        await UntilReadyAsync(gateway.Client);

        AssertWarm(gateway.Services);
        AssertNobody(replica);
    }

    [Fact]
    public async Task What_cannot_reach_itself_is_ready_all_the_same()
    {
        using var state = new WarmUpState(Options.Create(new WarmUpOptions()));
        using var lifetime = new StartedLifetime();
        using var service = new WarmUpService(new Nowhere(), state, Options.Create(new WarmUpOptions { Limit = TimeSpan.FromSeconds(1) }), lifetime, TimeProvider.System, NullLogger<WarmUpService>.Instance);
        var check = new WarmUpHealthCheck(state);
        Assert.Equal(HealthStatus.Unhealthy, (await check.CheckHealthAsync(new HealthCheckContext(), Cancellation)).Status);

        await service.StartAsync(Cancellation);
        await UntilAsync(() => state.Done.IsCancellationRequested, "it to give up");
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(new HealthCheckContext(), Cancellation)).Status);
        await service.StopAsync(Cancellation);
    }

    private static Task UntilReadyAsync(HttpClient client) => Eventually.Async(
        async () =>
        {
            using var answer = await client.GetAsync("/health", Cancellation);
            return answer.IsSuccessStatusCode;
        },
        s_limit,
        "/health to be 200");

    private static void AssertWarm(IServiceProvider services) =>
        Assert.Contains(services.GetFakeLogCollector().GetSnapshot(), record => record.Message.StartsWith("Warm after", StringComparison.Ordinal));

    private static void AssertNobody(EventsHost replica)
    {
        var metrics = replica.Get<EventsMetrics>();
        Assert.Equal((0, 0, 0, 0, 0), (metrics.ActiveConnections, metrics.TotalOpened, metrics.TotalRefused, metrics.TotalPublished, metrics.TotalDelivered));
    }

    private sealed class Nowhere : IWarmUpPath
    {
        public string Host => "localhost";

        public string Topic => "$canary:nowhere";

        public OwnAddress? FindAddress() => OwnAddress.Find([$"http://127.0.0.1:{Ports.Next()}"]);

        public Task PrepareAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Sign(HttpRequestMessage request)
        {
        }
    }

    private sealed class StartedLifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted { get; } = new(canceled: true);

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => _stopping.Token;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }
}
