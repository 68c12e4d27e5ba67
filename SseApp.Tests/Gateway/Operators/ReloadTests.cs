using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using StackExchange.Redis;

namespace SseApp.Tests.Gateway.Operators;

/// <summary>Drain and rolling reload by the operator API, on real replicas and a real Redis.</summary>
public sealed class ReloadTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task A_reload_replaces_every_process_once_and_one_at_a_time()
    {
        var replicas = await ReplicasAsync(3);
        var gateway = await StartGatewayAsync(3);
        var before = await ListAsync(gateway);
        var fewest = int.MaxValue;
        gateway.Get<ReplicaDirectory>().Changed += (_, _) => fewest = Math.Min(fewest, gateway.Get<ReplicaDirectory>().Replicas.Count(record => record.State == ReplicaState.Ready));

        using var started = await gateway.Admin.PostAsync("/admin/reload", null, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, started.StatusCode);
        using (var second = await gateway.Admin.PostAsync("/admin/reload", null, Cancellation))
        {
            Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
            Assert.Contains("reload-running", await second.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        var ended = await EndOfReloadAsync(gateway);

        Assert.True(ended.GetProperty("state").GetString() == "succeeded", ended.ToString());
        Assert.Equal("operator", ended.GetProperty("trigger").GetString());
        Assert.All(ended.GetProperty("steps").EnumerateArray(), step => Assert.Equal("succeeded", step.GetProperty("state").GetString()));
        Assert.Equal([ExitCodes.Restart, ExitCodes.Restart, ExitCodes.Restart], replicas.ExitCodes);
        Assert.Equal(2, fewest);
        var after = await ListAsync(gateway);
        Assert.Equal(3, after.Count);
        Assert.Empty(after.Keys.Intersect(before.Keys));
        Assert.All(after.Values, state => Assert.Equal("ready", state));
    }

    [LongFact]
    public async Task The_button_of_the_console_reloads_all_and_shows_how_far_it_is()
    {
        var replicas = await ReplicasAsync(2);
        var gateway = await StartGatewayAsync(2);
        await using var page = await BrowserPage.OpenAsync();
        await page.GoToAsync(new Uri(gateway.Admin.BaseAddress!, $"/#key={OperatorAccess.Key.Text}"));
        await page.UntilAsync("document.querySelectorAll('#replicas tr:not(.gone)').length === 2 && !document.getElementById('reload').disabled", "two replicas to reload");

        await page.ClickAsync("#reload");
        await page.UntilAsync("document.querySelector('dialog[open]')?.textContent.includes('each of the 2 replicas')", "the question");
        Assert.Empty(replicas.ExitCodes);
        await page.EvaluateAsync("[...document.querySelectorAll('dialog[open] button')].find(button => button.textContent === 'Reload').click()");

        await page.UntilAsync("!document.getElementById('reloading').hidden && document.getElementById('reload-progress').max === 2", "the progress");
        await page.UntilAsync("document.getElementById('reload-state').textContent === 'Reload succeeded.' && document.getElementById('reload-progress').value === 2", "the end of the reload");
        Assert.Equal([ExitCodes.Restart, ExitCodes.Restart], replicas.ExitCodes);
        Assert.Equal(2, (await page.EvaluateAsync("document.querySelectorAll('#reload-steps .good').length")).GetInt32());
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task A_reload_stops_when_a_replica_does_not_return_and_leaves_the_others_alone()
    {
        var replicas = await ReplicasAsync(3);
        replicas.Restarts = false;
        var gateway = await StartGatewayAsync(3, ("Reload:ReplicaTimeout", "00:00:05"));

        using var started = await gateway.Admin.PostAsync("/admin/reload", null, Cancellation);
        var ended = await EndOfReloadAsync(gateway);

        Assert.True(ended.GetProperty("state").GetString() == "failed", ended.ToString());
        Assert.Contains("Reload:ReplicaTimeout", ended.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(["failed", "pending", "pending"], ended.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("state").GetString()!));
        Assert.Single(replicas.ExitCodes);
        Assert.Equal(2, (await ListAsync(gateway)).Count(replica => replica.Value == "ready"));

        // The lease is free again.
        replicas.Restarts = true;
        using var again = await gateway.Admin.PostAsync("/admin/reload", null, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, again.StatusCode);
        Assert.Equal("succeeded", (await EndOfReloadAsync(gateway)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task Another_gateway_shows_the_reload_and_does_not_begin_a_second_one()
    {
        await ReplicasAsync(2);
        var first = await StartGatewayAsync(2);
        var second = await StartGatewayAsync(2);

        using var started = await first.Admin.PostAsync("/admin/reload", null, Cancellation);
        var id = (await started.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("id").GetString();
        using var refused = await second.Admin.PostAsync("/admin/reload", null, Cancellation);

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Equal(id, (await EndOfReloadAsync(second)).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Recycling_replaces_replicas_that_are_old_enough()
    {
        var replicas = await ReplicasAsync(2);
        var gateway = await StartGatewayAsync(2, ("Recycle:Every", "00:00:03"), ("Recycle:Jitter", "0"));

        await Eventually.Async(() => replicas.ExitCodes.Count >= 2, s_limit, "both replicas to be recycled");

        Assert.All(replicas.ExitCodes, code => Assert.Equal(ExitCodes.Restart, code));
        Assert.Equal("schedule", (await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/reload", Cancellation)).GetProperty("trigger").GetString());
    }

    [Fact]
    public async Task A_drained_replica_keeps_running_without_streams_and_returns()
    {
        await ReplicasAsync(2);
        var gateway = await StartGatewayAsync(2);
        var id = (await ListAsync(gateway)).Keys.First();

        using var drained = await gateway.Admin.PostAsync($"/admin/replicas/{id}/drain", null, Cancellation);
        Assert.Equal("drained", (await drained.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("state").GetString());
        for (var i = 0; i < 4; i++)
        {
            await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=news");
            Assert.NotEqual(id, (await reader.OpenedAsync()).GetProperty("replica").GetString());
        }

        using (var last = await gateway.Admin.PostAsync($"/admin/replicas/{(await ListAsync(gateway)).Keys.Single(other => other != id)}/drain", null, Cancellation))
        {
            Assert.Equal(HttpStatusCode.Conflict, last.StatusCode);
            Assert.Contains("last-replica", await last.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        using var undrained = await gateway.Admin.PostAsync($"/admin/replicas/{id}/undrain", null, Cancellation);
        Assert.Equal("ready", (await undrained.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("state").GetString());
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "both replicas to be routed to");
    }

    [Fact]
    public async Task Commands_to_nobody_and_commands_of_foreign_pages_are_refused()
    {
        await ReplicasAsync(1);
        var gateway = await StartGatewayAsync(1);

        using (var unknown = await gateway.Admin.PostAsync("/admin/replicas/nobody/drain", null, Cancellation))
        {
            Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        }

        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Get })
        {
            using var refused = await gateway.Admin.SendAsync(method, "/admin/reload", ("Origin", "https://elsewhere.example"));
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        using var never = await gateway.Admin.GetAsync("/admin/reload", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, never.StatusCode);
    }

    [Fact]
    public async Task A_lease_has_one_owner_until_it_is_given_back_or_ends()
    {
        var gateway = await StartGatewayAsync(0);
        var leases = gateway.Get<RedisLeases>();
        var brief = TimeSpan.FromMilliseconds(200);

        Assert.True(await leases.TryAcquireAsync("work", "a", s_limit, Cancellation));
        Assert.True(await leases.TryAcquireAsync("work", "a", s_limit, Cancellation));
        Assert.False(await leases.TryAcquireAsync("work", "b", s_limit, Cancellation));
        await leases.ReleaseAsync("work", "b", Cancellation);
        Assert.False(await leases.TryAcquireAsync("work", "b", s_limit, Cancellation));
        await leases.ReleaseAsync("work", "a", Cancellation);
        Assert.True(await leases.TryAcquireAsync("work", "b", brief, Cancellation));
        await Eventually.Async(() => leases.TryAcquireAsync("work", "a", s_limit, Cancellation), s_limit, "the lease of b to end");
    }

    [Fact]
    public async Task What_is_no_lease_blocks_nobody_however_long_it_would_stay()
    {
        var gateway = await StartGatewayAsync(0);
        var leases = gateway.Get<RedisLeases>();
        var forged = gateway.Get<ForgedRecords>();
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        var prefix = gateway.Get<IOptions<ClusterOptions>>().Value.KeyPrefix;
        RedisKey key = $"{{{prefix}:leases}}:work";
        foreach (var name in ForeignValues.Names)
        {
            var before = forged.Total;
            await ForeignValues.PutAsync(database, key, name);
            await leases.ReleaseAsync("work", "a", Cancellation);
            Assert.True(await database.KeyExistsAsync(key));
            Assert.True(await leases.TryAcquireAsync("work", "a", s_limit, Cancellation), name);
            Assert.False(await leases.TryAcquireAsync("work", "b", s_limit, Cancellation), name);
            Assert.NotNull(await database.KeyTimeToLiveAsync(key));
            Assert.True(forged.Total > before, name);
        }

        // A copy of a lease that was given back, without an end: another's, or of another name.
        var copy = await database.StringGetAsync(key);
        await leases.ReleaseAsync("work", "a", Cancellation);
        await database.StringSetAsync($"{{{prefix}:leases}}:other", copy);
        Assert.True(await leases.TryAcquireAsync("other", "b", s_limit, Cancellation));
        var old = new SignedRecords(
            new RecordSignature(ClusterKey.Keys, new FakeTimeProvider(TimeProvider.System.GetUtcNow() - s_limit - TimeSpan.FromMinutes(2))),
            forged,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<SignedRecords>.Instance);
        await database.StringSetAsync(key, old.Sign(ForgedKind.Lease, key.ToString(), new Lease("a", s_limit.TotalSeconds), LeaseJsonContext.Default.Lease));
        Assert.True(await leases.TryAcquireAsync("work", "b", s_limit, Cancellation));
    }

    private static async Task<JsonElement> EndOfReloadAsync(GatewayHost gateway)
    {
        JsonElement status = default;
        await Eventually.Async(
            async () =>
            {
                status = await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/reload", Cancellation);
                return status.GetProperty("state").GetString() != "running";
            },
            s_limit,
            "the reload to end");
        return status;
    }

    private static async Task<Dictionary<string, string>> ListAsync(GatewayHost gateway) =>
        (await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/replicas", Cancellation)).EnumerateArray()
            .ToDictionary(replica => replica.GetProperty("id").GetString()!, replica => replica.GetProperty("state").GetString()!, StringComparer.Ordinal);

    private async Task<SupervisedReplicas> ReplicasAsync(int count) => Own(await SupervisedReplicas.StartAsync(count, () => EventsHost.StartAsync(
        redis, _prefix, ("Drain:Window", "00:00:00.100"), ("ReplicaRegistry:HeartbeatInterval", "00:00:00.100"))));

    private async Task<GatewayHost> StartGatewayAsync(int replicas, params (string Key, string Value)[] settings)
    {
        await redis.RequireAsync();
        return await GatewayOnRedisAsync(redis, _prefix, replicas, settings);
    }
}
