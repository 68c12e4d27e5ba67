namespace SseApp.Tests.Gateway.Health;

/// <summary>What the gateway's own probe says of its replicas, by real probes of theirs.</summary>
public sealed class GatewayHealthTests : GatewayTest
{
    private static readonly (string Key, string Value)[] s_fastChecks =
        [("ReplicaHealth:Interval", "00:00:00.100"), ("ReplicaHealth:Timeout", "00:00:00.200")];

    [Fact]
    public async Task It_is_unhealthy_while_every_replica_fails_its_checks_and_degraded_while_one_does()
    {
        var first = await OriginAsync("r1");
        var second = await OriginAsync("r2");
        var gateway = await GatewayAsync(s_fastChecks);
        await UntilHealthAsync(gateway, HttpStatusCode.OK, "healthy", "2 of 2");

        first.Healthy = false;
        await UntilHealthAsync(gateway, HttpStatusCode.OK, "degraded", "1 of 2");
        second.Healthy = false;
        await UntilHealthAsync(gateway, HttpStatusCode.ServiceUnavailable, "unhealthy", "None of the 2");

        first.Healthy = true;
        await UntilHealthAsync(gateway, HttpStatusCode.OK, "degraded", "1 of 2");
        second.Healthy = true;
        await UntilHealthAsync(gateway, HttpStatusCode.OK, "healthy", "2 of 2");
    }

    [Fact]
    public async Task A_replica_that_is_avoided_because_it_failed_requests_is_not_ready_although_it_passes_its_checks()
    {
        await HandlingOriginAsync("r1", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        var gateway = await GatewayAsync([.. s_fastChecks, ("ReplicaHealth:FailTimeout", "00:01:00")]);
        await UntilHealthAsync(gateway, HttpStatusCode.OK, "healthy", "1 of 1");

        using var failed = await gateway.Client.GetAsync("/topics/a", Cancellation);

        await UntilHealthAsync(gateway, HttpStatusCode.ServiceUnavailable, "unhealthy", "None of the 1");
    }

    [Fact]
    public async Task A_backup_that_waits_for_its_turn_is_ready()
    {
        await OriginAsync("r1");
        await OriginAsync("r2", record => record with { Backup = true });
        var gateway = await GatewayAsync(s_fastChecks);

        await UntilHealthAsync(gateway, HttpStatusCode.OK, "healthy", "2 of 2");
    }

    [Fact]
    public async Task While_Redis_is_unreachable_it_stays_in_service_although_its_replicas_are_not_ready()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(s_fastChecks);
        await UntilHealthAsync(gateway, HttpStatusCode.OK, "healthy", "1 of 1");

        Registry.Away = true;
        await UntilAsync(() => gateway.Get<SseApp.Gateway.Replicas.ReplicaDirectory>().IsRegistryUnavailable, "the gateway to notice");
        // In one line: an outage is ordinary, and where in the code it was met says nothing.
        var told = Assert.Single(gateway.Services.GetFakeLogCollector().GetSnapshot(), record => record.Message.Contains("registry does not answer", StringComparison.Ordinal));
        Assert.Null(told.Exception);
        Assert.EndsWith("The registry is unreachable.", told.Message, StringComparison.Ordinal);
        origin.Healthy = false;
        await UntilHealthAsync(gateway, HttpStatusCode.OK, "degraded", "Redis is unavailable");

        // When Redis is back for a while it is no excuse any more.
        Registry.Away = false;
        await UntilHealthAsync(gateway, HttpStatusCode.ServiceUnavailable, "unhealthy", "None of the 1");
    }

    private static Task UntilHealthAsync(GatewayHost gateway, HttpStatusCode code, string status, string said) => Eventually.Async(
        async () =>
        {
            using var answer = await gateway.Admin.GetAsync("/health", Cancellation);
            var health = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation));
            return answer.StatusCode == code
                && health.GetProperty("status").GetString() == status
                && health.GetProperty("checks").GetProperty("replicas").GetProperty("description").GetString()!.Contains(said, StringComparison.Ordinal);
        },
        TimeSpan.FromSeconds(10),
        $"the gateway's health to be {status} ({said})");
}
