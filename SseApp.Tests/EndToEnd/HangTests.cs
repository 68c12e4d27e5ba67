using Aspire.Hosting.ApplicationModel;
using SseApp.AppHost.Supervision;
using SseApp.Bench.Generator;
using SseApp.Tests.Chaos;

namespace SseApp.Tests.EndToEnd;

/// <summary>Processes that run on but are of no use, under the AppHost's supervisor; who is restarted when is in the tests of its watches.</summary>
[Collection<RunsAlone>]
public sealed class HangTests(HangingClusterFixture cluster) : IClassFixture<HangingClusterFixture>
{
    // More than can be on their way at one moment.
    private const int Warm = 250;

    // What is promised of a replica under load.
    private static readonly TimeSpan s_promise = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(90);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task A_frozen_replica_is_replaced_under_load_without_a_loss_and_with_one_notice_that_has_an_end()
    {
        await ReadyAsync();
        var notices = cluster.Webhook.Notices().Length;
        var before = await StartsAsync();
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway);
        await load.AcknowledgedAsync(Warm);
        var (id, name) = Replica(0);
        Assert.True(load.ServedBy(name) > 0, $"Nobody is served by {name}.");

        Libc.Signal(ServiceOf(cluster.EventsReplicas[id]), Libc.Stop);

        await Eventually.Async(async () => (await StartsAsync()).TryGetValue(name, out var now) && now != before[name], s_promise, $"a new process of {id}; {cluster.Describe()}");
        await load.AcknowledgedAsync(Warm);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
        await Eventually.Async(() => cluster.Logs.Contains($"{id} recovered: it answers again after its restart."), s_limit, "its recovery to be logged");
        await cluster.Webhook.UntilAsync($"resolved replica-lost:{name}");
        Assert.Equal(
            [$"firing replica-lost:{name}", $"resolved replica-lost:{name}"],
            cluster.Webhook.Notices().Skip(notices).Where(notice => notice.EndsWith($":{name}", StringComparison.Ordinal)));
        await OthersStayedAsync(before, name);
        var restarts = await RestartsAsync(name);
        Assert.Equal(["Recovered", "Hung"], restarts.Select(restart => restart.GetProperty("stage").GetString()).Take(2));
    }

    [LongFact]
    public async Task A_frozen_gateway_is_replaced_and_reports_it_itself()
    {
        await ReadyAsync();
        var gateway = Assert.Single(cluster.Instances("gateway"));
        var process = ServiceOf(gateway.Value);
        var name = ReplicaName.Of(gateway.Value);

        Libc.Signal(process, Libc.Stop);

        await Eventually.Async(() => cluster.Logs.Contains($"{gateway.Key} recovered: it answers again after its restart."), s_limit, $"its recovery; {cluster.Describe()}");
        Assert.NotEqual(process, ServiceOf(cluster.Instances("gateway")[gateway.Key]));
        await cluster.Webhook.UntilAsync($"firing hung-process:{name}");
        await cluster.Webhook.UntilAsync($"resolved hung-process:{name}");
        await ReadyAsync();
    }

    [LongFact]
    public async Task A_replica_that_stays_slow_is_restarted_but_none_of_three_that_are()
    {
        await ReadyAsync();
        var before = await StartsAsync();
        var services = cluster.EventsReplicas.Values.Select(ServiceOf).ToArray();
        using (var end = new CancellationTokenSource())
        {
            var stutters = services.Select(service => StutterAsync(service, end.Token)).ToArray();
            await UntilSlowAsync(ClusterFixture.Replicas);
            await Task.Delay(2 * HangingClusterFixture.SlowAfter, TimeProvider.System, Cancellation);
            await end.CancelAsync();
            await Task.WhenAll(stutters);
        }

        Assert.Equal(before, await ReadyAsync());

        var (id, name) = Replica(1);
        using var over = new CancellationTokenSource();
        var stutter = StutterAsync(ServiceOf(cluster.EventsReplicas[id]), over.Token);
        await Eventually.Async(() => cluster.Logs.Contains($"{id} recovered: it answers again after its restart."), s_limit, $"{id} to be restarted; {cluster.Describe()}");
        await over.CancelAsync();
        await stutter;
        Assert.NotEqual(before[name], (await ReadyAsync())[name]);
        await OthersStayedAsync(before, name);
        Assert.Contains((await RestartsAsync(name)).Select(restart => restart.GetProperty("stage").GetString()), stage => stage == "Slow");
    }

    [LongFact]
    public async Task An_outage_of_Redis_restarts_nobody()
    {
        await ReadyAsync();
        var before = await StartsAsync();
        var redis = ServiceOf(Assert.Single(cluster.Instances("redis")).Value);
        Libc.Signal(redis, Libc.Stop);
        // Whoever took the outage for a hang would be killed within this: the last probe may take its time.
        var restarts = Task.Delay(HangingClusterFixture.HungAfter + LivenessProbe.Timeout + (2 * LivenessProbe.Interval), TimeProvider.System, Cancellation);
        try
        {
            await cluster.Webhook.UntilAsync("firing redis-unavailable");
            await restarts;
        }
        finally
        {
            Libc.Signal(redis, Libc.Continue);
        }

        Assert.Equal(before, await ReadyAsync());
    }

    [LongFact]
    public Task An_embedded_Redis_that_is_killed_is_started_again_and_has_lost_nothing() =>
        RedisLosesNothingAsync(Libc.Kill, redis => cluster.Logs.Any(line => line.StartsWith($"{redis} ended (killed)", StringComparison.Ordinal)), "its end to be logged");

    [LongFact]
    public Task An_embedded_Redis_that_is_frozen_is_replaced_and_has_lost_nothing_and_no_replica_is_restarted() =>
        RedisLosesNothingAsync(Libc.Stop, redis => cluster.Logs.Contains($"{redis} recovered: it answers again after its restart."), "its recovery to be logged");

    private async Task RedisLosesNothingAsync(int signal, Func<string, bool> isLogged, string awaited)
    {
        await ReadyAsync();
        var before = await StartsAsync();
        var redis = Assert.Single(cluster.Instances("redis"));
        var process = ServiceOf(redis.Value);
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway);
        await load.AcknowledgedAsync(Warm);

        Libc.Signal(process, signal);

        await Eventually.Async(() => isLogged(redis.Key), s_limit, $"{awaited}; {cluster.Describe()}");
        await load.AcknowledgedAsync(Warm);
        await load.FinishAsync();
        // Garnet delivers before its file has the event, and confirms after that.
        load.AssertFaultless(receipt => receipt.FindLoss());
        Assert.Equal(before, await ReadyAsync());
    }

    private (string Id, string Name) Replica(int index)
    {
        var id = cluster.EventsReplicas.Keys.Order(StringComparer.Ordinal).ElementAt(index);
        return (id, ReplicaName.Of(cluster.EventsReplicas[id])!);
    }

    /// <summary>The orchestrator knows the program that it started; the service may be its child, or that one's.</summary>
    private static int ServiceOf(CustomResourceSnapshot instance)
    {
        var process = Assert.IsType<int>(instance.Properties.First(property => property.Name == "executable.pid").Value);
        while (File.ReadAllText($"/proc/{process}/task/{process}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var child, ..])
        {
            process = int.Parse(child, CultureInfo.InvariantCulture);
        }

        return process;
    }

    /// <summary>Lets a process run for a quarter of the time only, until it ends or the test does.</summary>
    private static async Task StutterAsync(int process, CancellationToken over)
    {
        while (!over.IsCancellationRequested && Directory.Exists($"/proc/{process}"))
        {
            Libc.Signal(process, Libc.Stop);
            await Task.Delay(HangingClusterFixture.Stutter, TimeProvider.System, CancellationToken.None);
            Libc.Signal(process, Libc.Continue);
            await Task.Delay(HangingClusterFixture.Stutter / 3, TimeProvider.System, CancellationToken.None);
        }
    }

    private Task UntilSlowAsync(int count) => Eventually.Async(
        async () => (await ReplicasAsync()).Count(replica => replica.GetProperty("schedulingDelayMs").GetDouble() > HangingClusterFixture.SlowLimit.TotalMilliseconds) == count, s_limit, $"{count} slow replicas");

    private async Task OthersStayedAsync(Dictionary<string, DateTimeOffset> before, string name)
    {
        var after = await ReadyAsync();
        Assert.Equal(before.Where(replica => replica.Key != name).OrderBy(replica => replica.Key), after.Where(replica => replica.Key != name).OrderBy(replica => replica.Key));
    }

    private async Task<JsonElement[]> RestartsAsync(string name)
    {
        using var client = cluster.OperatorClient();
        return [.. (await client.GetFromJsonAsync<JsonElement>($"/admin/replicas/{name}", Cancellation)).GetProperty("restarts").EnumerateArray()];
    }

    /// <summary>The replicas that are ready, told apart by the start of their processes.</summary>
    private async Task<Dictionary<string, DateTimeOffset>> StartsAsync() => (await ReplicasAsync())
        .Where(replica => replica.GetProperty("state").GetString() == "ready")
        .ToDictionary(replica => replica.GetProperty("id").GetString()!, replica => replica.GetProperty("startedAt").GetDateTimeOffset(), StringComparer.Ordinal);

    private async Task<JsonElement[]> ReplicasAsync()
    {
        using var client = cluster.OperatorClient(TimeSpan.FromSeconds(5));
        try
        {
            return [.. (await client.GetFromJsonAsync<JsonElement>("/admin/replicas", Cancellation)).EnumerateArray()];
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !Cancellation.IsCancellationRequested)
        {
            // The gateway is being replaced.
            return [];
        }
    }

    private async Task<Dictionary<string, DateTimeOffset>> ReadyAsync()
    {
        await cluster.RequireAsync();
        Dictionary<string, DateTimeOffset> ready = [];
        await Eventually.Async(async () => (ready = await StartsAsync()).Count == ClusterFixture.Replicas, s_limit, $"three ready replicas; {cluster.Describe()}");
        return ready;
    }
}
