using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Health;

namespace SseApp.Tests.ServiceDefaults.Defaults.Health;

public sealed class HealthEndpointTests
{
    [Fact]
    public async Task Readiness_tells_status_memory_and_each_dependency_and_liveness_is_not_affected()
    {
        await using var app = await StartAsync(services => services.AddHealthChecks()
            .AddCheck("store", () => HealthCheckResult.Unhealthy("The store is unreachable."), [HealthTags.Ready, HealthTags.Dependency]));
        using var client = Admin(app);

        using var health = await client.GetAsync("/health", TestContext.Current.CancellationToken);
        using var alive = await client.GetAsync("/alive", TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (health.StatusCode, alive.StatusCode));
        var body = JsonDocument.Parse(await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal("unhealthy", body.GetProperty("status").GetString());
        Assert.True(body.GetProperty("timestamp").GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
        Assert.True(body.GetProperty("uptimeSeconds").GetDouble() >= 0);
        Assert.Equal(body.GetProperty("uptimeSeconds").GetDouble(), body.GetProperty("uptime").GetDouble());
        Assert.True(body.GetProperty("memory").GetProperty("workingSetBytes").GetInt64() > 0);
        var store = body.GetProperty("dependencies").GetProperty("store");
        Assert.Equal(("unhealthy", "The store is unreachable."), (store.GetProperty("status").GetString(), store.GetProperty("description").GetString()));
        Assert.True(store.GetProperty("latencyMs").GetDouble() >= 0);
    }

    [Fact]
    public async Task The_archive_is_readable_as_database_too_and_degraded_is_no_503()
    {
        await using var app = await StartAsync(services => services.AddHealthChecks().AddCheck(
            "archive",
            () => HealthCheckResult.Degraded("Behind.", data: new Dictionary<string, object>(StringComparer.Ordinal) { ["latencyMs"] = 1.5, ["lagEvents"] = 7L, ["lagSeconds"] = 40.5 }),
            [HealthTags.Ready, HealthTags.Dependency]));
        using var client = Admin(app);

        using var health = await client.GetAsync("/health", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        var dependencies = JsonElement.Parse(await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).GetProperty("dependencies");
        Assert.Equal("""{"status":"degraded","latencyMs":1.5,"lagEvents":7,"lagSeconds":40.5,"description":"Behind."}""", dependencies.GetProperty("archive").GetRawText());
        Assert.Equal(dependencies.GetProperty("archive").GetRawText(), dependencies.GetProperty("database").GetRawText());
    }

    [Fact]
    public async Task Without_an_archive_there_is_no_database()
    {
        await using var app = await StartAsync(services => services.AddHealthChecks().AddCheck("store", () => HealthCheckResult.Healthy(), [HealthTags.Ready, HealthTags.Dependency]));
        using var client = Admin(app);

        Assert.DoesNotContain("database", await client.GetStringAsync("/health", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text/plain", true)]
    [InlineData("TEXT/*", true)]
    [InlineData("text/html, text/plain;q=0.5, */*;q=0.1", true)]
    [InlineData("text/plain, */*", true)]
    [InlineData("text/plain;charset=UTF-8", true)]
    [InlineData("text/plain;charset=iso-8859-1", false)]
    [InlineData("application/json;q=0.4, text/plain;q=0.5", true)]
    [InlineData(null, false)]
    [InlineData("*/*", false)]
    [InlineData("application/json, text/plain, */*", false)]
    [InlineData("text/plain;q=0.5, application/json", false)]
    [InlineData("text/plain;q=0.5, */*", false)]
    [InlineData("text/plain;q=0", false)]
    [InlineData("image/png", false)]
    [InlineData(";;;,q=", false)]
    public async Task The_status_comes_alone_in_a_line_for_who_prefers_plain_text(string? accept, bool text)
    {
        var status = HealthStatus.Healthy;
        await using var app = await StartAsync(services => services.AddHealthChecks()
            .AddCheck("changing", () => new HealthCheckResult(status), [HealthTags.Ready]));
        using var client = Client(app);
        foreach (var (each, name, code) in new[]
        {
            (HealthStatus.Healthy, "healthy", HttpStatusCode.OK),
            (HealthStatus.Degraded, "degraded", HttpStatusCode.OK),
            (HealthStatus.Unhealthy, "unhealthy", HttpStatusCode.ServiceUnavailable),
        })
        {
            status = each;
            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
            {
                using var request = new HttpRequestMessage(method, "/health");
                if (accept is not null)
                {
                    request.Headers.TryAddWithoutValidation("Accept", accept);
                }

                using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);

                Assert.Equal(code, response.StatusCode);
                Assert.Equal(text ? "text/plain" : "application/json", response.Content.Headers.ContentType!.MediaType);
                Assert.Contains("Accept", response.Headers.Vary);
                var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                if (method == HttpMethod.Head)
                {
                    Assert.Empty(body);
                }
                else if (text)
                {
                    Assert.Equal(name + "\n", body);
                }
                else
                {
                    // To everybody else no more than that: neither reasons nor numbers.
                    Assert.Equal($"{{\"status\":\"{name}\"}}", body);
                }
            }
        }
    }

    [Fact]
    public async Task A_check_that_hangs_and_ignores_its_token_holds_the_answer_for_two_seconds_at_most()
    {
        await using var app = await StartAsync(services => services.AddHealthChecks()
            .AddAsyncCheck("hanging", () => new TaskCompletionSource<HealthCheckResult>().Task, [HealthTags.Ready]));
        using var client = Admin(app);
        var started = TimeProvider.System.GetTimestamp();

        using var health = await client.GetAsync("/health", TestContext.Current.CancellationToken);

        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(4));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Contains("No answer within 2 s", await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redis_that_never_answered_is_not_ready()
    {
        await using var host = await EventsHost.StartAsync("127.0.0.1:1,connectTimeout=100");

        using var health = await host.Admin.GetAsync("/health", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        var body = JsonDocument.Parse(await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal(0, body.GetProperty("connections").GetInt32());
        Assert.Contains("ConnectionStrings:redis", body.GetProperty("dependencies").GetProperty("redis").GetProperty("description").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slow_Redis_is_degraded_and_the_replica_still_ready()
    {
        await using var redis = new RedisServer();
        await using var host = await EventsHost.StartAsync(redis, null);
        await using var connection = await redis.ConnectAsync();

        await Eventually.Async(
            async () =>
            {
                await connection.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "1000", "ALL");

                // Throws unless the status is 200.
                var body = JsonDocument.Parse(await host.Admin.GetStringAsync("/health", TestContext.Current.CancellationToken)).RootElement;
                var state = body.GetProperty("dependencies").GetProperty("redis");
                return body.GetProperty("status").GetString() == "degraded"
                    && state.GetProperty("latencyMs").GetDouble() > 100
                    && state.GetProperty("description").GetString()!.StartsWith("Redis is slow", StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(15),
            "a slow answer of Redis");
    }

    private static async Task<WebApplication> StartAsync(Action<IServiceCollection> configure)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        configure(builder.Services);
        var app = builder.Build();
        app.UseAdmin(static _ => { });
        app.MapDefaultEndpoints();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    private static HttpClient Client(WebApplication app) => new() { BaseAddress = new Uri(app.Urls.First()) };

    private static HttpClient Admin(WebApplication app) => OperatorAccess.Client(new Uri(app.Services.GetRequiredService<AdminListener>().Addresses.Single()));
}
