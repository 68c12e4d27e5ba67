using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using SseApp.AppHost.Supervision;
using SseApp.Bench.Reload;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using StackExchange.Redis;

namespace SseApp.Tests.EndToEnd;

/// <summary>What an operator sees and does, on real processes under the AppHost's supervisor.</summary>
public sealed class OperationsTests(SupervisedClusterFixture cluster) : IClassFixture<SupervisedClusterFixture>
{
    private const int GrowthRoom = 60 << 20;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static readonly ConcurrentDictionary<string, string> s_names = new(StringComparer.Ordinal);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task A_killed_replica_is_started_again_and_serves()
    {
        await ThreeReadyAsync();
        var id = cluster.EventsReplicas.Keys.Order(StringComparer.Ordinal).First();
        var process = await ProcessOfAsync(id);

        Kill(id);

        await NewProcessAsync(id, process);
        await ThreeReadyAsync();
        await StartAnewAsync(id);
    }

    [LongFact]
    public async Task A_crash_loop_ends_in_a_visible_state_and_an_alert_with_its_reason_and_a_restart_by_hand_ends_both()
    {
        await ThreeReadyAsync();
        var id = cluster.EventsReplicas.Keys.Order(StringComparer.Ordinal).First();
        for (var i = 0; i < SupervisedClusterFixture.MaxRestarts; i++)
        {
            var process = await ProcessOfAsync(id);
            Kill(id);
            if (i < SupervisedClusterFixture.MaxRestarts - 1)
            {
                await NewProcessAsync(id, process);
            }
        }

        await Eventually.Async(
            () => StateOf(id) == $"Crash loop: killed, {SupervisedClusterFixture.MaxRestarts} times", s_limit, $"the crash loop to be shown; {cluster.Describe()}");
        var alert = $"crash-loop:{NameOf(id)}";
        await cluster.Webhook.UntilAsync($"firing {alert}");
        var sent = cluster.Webhook.Taken.First(notice => notice.GetProperty("key").GetString() == alert);
        Assert.Equal("killed", sent.GetProperty("labels").GetProperty("reason").GetString());
        Assert.Contains("is not restarted any more", sent.GetProperty("summary").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain($"resolved {alert}", cluster.Webhook.Notices());

        await StartAnewAsync(id);
        await ThreeReadyAsync();
        await cluster.Webhook.UntilAsync($"resolved {alert}");
    }

    [LongFact]
    public async Task A_replica_that_grows_over_its_memory_limit_drains_and_is_started_again_at_once_however_often_it_does()
    {
        await ThreeReadyAsync();
        var ids = cluster.EventsReplicas.Keys.Order(StringComparer.Ordinal).ToArray();
        var id = ids[^1];
        var name = NameOf(id);
        var atRest = (await ReplicasAsync()).Max(replica => replica.GetProperty("workingSet").GetInt64());
        try
        {
            cluster.MemoryLimit = (atRest + GrowthRoom).ToString(CultureInfo.InvariantCulture);
            await StartAnewAsync(id);

            // Each successor is over this when it has hardly started: more ends in a row than crashes would be allowed.
            cluster.MemoryLimit = "32MB";
            await ReplicaGrowth.UntilDrainAsync(await AddressAsync(id), await AddressAsync(ids[0]));
            await Eventually.Async(
                () => cluster.ExitCodes(id).Count(code => code == ExitCodes.MemoryGuard) > SupervisedClusterFixture.MaxRestarts,
                s_limit,
                $"{id} to be started and to end again and again, not only [{string.Join(", ", cluster.ExitCodes(id))}]; {cluster.Describe()}");
        }
        finally
        {
            cluster.MemoryLimit = null;
        }

        await Eventually.Async(
            () => IsRunning(id) && ReplicaName.Of(cluster.EventsReplicas[id]) == name
                && cluster.EventsReplicas[id].EnvironmentVariables.All(variable => variable.Name != SupervisedClusterFixture.MemoryLimitVariable),
            s_limit,
            $"{id} to run without the limit; {cluster.Describe()}");
        await ThreeReadyAsync();
        Assert.Contains(cluster.Logs, line => line.StartsWith($"{id} ended (memory limit) after ", StringComparison.Ordinal) && line.EndsWith("started again in 0 s.", StringComparison.Ordinal));
        Assert.DoesNotContain(cluster.Logs, line => line.StartsWith($"Crash loop: {id} ", StringComparison.Ordinal));
        Assert.DoesNotContain($"firing crash-loop:{name}", cluster.Webhook.Notices());
        await EndTurnAsync();
    }

    [LongFact]
    public async Task A_replica_that_a_person_stopped_stays_stopped()
    {
        await ThreeReadyAsync();
        var (id, other) = (cluster.EventsReplicas.Keys.Order(StringComparer.Ordinal).ElementAt(1), cluster.EventsReplicas.Keys.Order(StringComparer.Ordinal).ElementAt(2));

        await CommandAsync(id, KnownResourceCommands.StopCommand);
        await Eventually.Async(() => KnownResourceStates.TerminalStates.Contains(StateOf(id)), s_limit, $"{id} to be stopped");

        // What crashed after it is up again: it would be, too.
        var process = await ProcessOfAsync(other);
        Kill(other);
        await NewProcessAsync(other, process);
        Assert.Contains(StateOf(id), KnownResourceStates.TerminalStates);

        await CommandAsync(id, KnownResourceCommands.StartCommand);
        await StartAnewAsync(other);
        await ThreeReadyAsync();
    }

    [LongFact]
    public async Task Drain_and_undrain_are_commands_that_are_enabled_when_they_make_sense()
    {
        await ThreeReadyAsync();
        var id = cluster.EventsReplicas.Keys.Order(StringComparer.Ordinal).First();
        await ButtonsAsync(id, drain: true);

        await CommandAsync(id, "drain");
        await ButtonsAsync(id, drain: false);
        Assert.True(IsRunning(id), cluster.Describe());

        await CommandAsync(id, "undrain");
        await ButtonsAsync(id, drain: true);

        // As 'aspire resource gateway drain --replica …' does, with either name.
        await OfGatewayAsync("drain", id);
        await ButtonsAsync(id, drain: false);
        await OfGatewayAsync("undrain", NameOf(id));
        await ButtonsAsync(id, drain: true);
        await ThreeReadyAsync();
    }

    [LongFact]
    public async Task A_rolling_reload_under_load_loses_nothing_and_closes_nobody()
    {
        await ThreeReadyAsync();
        var processes = await ProcessesAsync();
        var load = new ReloadLoad(cluster.Gateway, (cluster.Operators, cluster.OperatorKey), Streams: 1_000, Topics: 20, Rate: 100, SupervisedClusterFixture.DrainWindow);
        var run = new ReloadRun(load, TestContext.Current.SendDiagnosticMessage);

        var result = await Task.Run(() => run.Execute(BeginReloadAsync, Cancellation), Cancellation);

        Assert.Equal("succeeded", result.State);
        Assert.Equal(load.Streams, result.Open);
        Assert.True(result.Tally is { Lost: 0, Duplicates: 0, Reordered: 0, GapsTold: 0, Closed: 0, Broken: 0, PublishFailures: 0 }, JsonSerializer.Serialize(result.Tally));
        Assert.True(result.Steps.Sum(step => step.Streams) >= load.Streams, "Fewer streams moved than there are.");
        Assert.All(result.Steps, step => Assert.True(step.PeakReconnects > 0 && step.Ratio <= 1.5, step.ToString()));
        var after = await ProcessesAsync();
        Assert.Equal(processes.Keys.Order(StringComparer.Ordinal), after.Keys.Order(StringComparer.Ordinal));
        Assert.All(processes, before => Assert.NotEqual(before.Value, after[before.Key]));
    }

    /// <summary>A replica that leaves because of its memory keeps the others and reloads waiting for a minute; no test has to.</summary>
    private async Task EndTurnAsync()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync((await cluster.App.GetConnectionStringAsync("redis", Cancellation))!);
        await redis.GetDatabase().KeyDeleteAsync($"{{{new ClusterOptions().KeyPrefix}:leases}}:{LeaseNames.Reload}");
    }

    private async Task<Uri> AddressAsync(string id) => new((await ReplicasAsync())
        .Single(replica => replica.GetProperty("id").GetString() == NameOf(id)).GetProperty("address").GetString()!);

    /// <summary>The dashboard's command; it lasts as long as the reload does.</summary>
    private async Task BeginReloadAsync(CancellationToken cancellationToken) =>
        await CommandAsync("gateway", "reload");

    private async Task CommandAsync(string id, string command)
    {
        var result = await cluster.App.ResourceCommands.ExecuteCommandAsync(id, command, Cancellation);
        Assert.True(result.Success, $"{command} of {id}: {result.Message}");
    }

    private async Task OfGatewayAsync(string command, string replica)
    {
        var arguments = new InteractionInputCollection([new InteractionInput { Name = "replica", InputType = InputType.Text, Value = replica }]);
        var result = await cluster.App.ResourceCommands.ExecuteCommandAsync("gateway", command, arguments, Cancellation);
        Assert.True(result.Success, $"{command} --replica {replica} of the gateway: {result.Message}");
    }

    /// <summary>A start by hand, after which no earlier crash counts.</summary>
    private async Task StartAnewAsync(string id)
    {
        var process = (await ProcessesAsync()).GetValueOrDefault(NameOf(id));
        await CommandAsync(id, KnownResourceCommands.RestartCommand);
        await NewProcessAsync(id, process);
    }

    private Task ButtonsAsync(string id, bool drain) => Eventually.Async(
        () => StateOf(id, "drain") == (drain ? ResourceCommandState.Enabled : ResourceCommandState.Disabled)
            && StateOf(id, "undrain") == (drain ? ResourceCommandState.Disabled : ResourceCommandState.Enabled),
        s_limit,
        $"the commands of {id} to change");

    private ResourceCommandState StateOf(string id, string command) => cluster.EventsReplicas[id].Commands.Single(known => known.Name == command).State;

    private string StateOf(string id) => cluster.EventsReplicas[id].State?.Text ?? "";

    private bool IsRunning(string id) => StateOf(id) == KnownResourceStates.Running;

    // An instance that is about to start has no environment yet, and its name stays the same.
    private string NameOf(string id) => s_names.GetOrAdd(id, _ => ReplicaName.Of(cluster.EventsReplicas[id])!);

    private void Kill(string id)
    {
        // The orchestrator knows the 'dotnet run' that started the service; the service is its child.
        var pid = Assert.IsType<int>(cluster.EventsReplicas[id].Properties.First(property => property.Name == "executable.pid").Value);
        using var process = Process.GetProcessById(pid);
        process.Kill(entireProcessTree: true);
    }

    /// <summary>Waits until another process than <paramref name="before"/> is ready in the registry.</summary>
    private Task NewProcessAsync(string id, DateTimeOffset before) => Eventually.Async(
        async () => (await ProcessesAsync()).TryGetValue(NameOf(id), out var now) && now != before,
        s_limit,
        $"a new process of {id}; {cluster.Describe()}");

    private async Task<DateTimeOffset> ProcessOfAsync(string id) => (await ProcessesAsync())[NameOf(id)];

    /// <summary>The replicas that are ready, distinguished by the start of their processes.</summary>
    private async Task<Dictionary<string, DateTimeOffset>> ProcessesAsync()
    {
        var replicas = await ReplicasAsync();
        return replicas
            .Where(replica => replica.GetProperty("state").GetString() == "ready")
            .ToDictionary(replica => replica.GetProperty("id").GetString()!, replica => replica.GetProperty("startedAt").GetDateTimeOffset(), StringComparer.Ordinal);
    }

    private async Task<JsonElement[]> ReplicasAsync()
    {
        using var client = cluster.OperatorClient();
        return [.. (await client.GetFromJsonAsync<JsonElement>("/admin/replicas", Cancellation)).EnumerateArray()];
    }

    private async Task ThreeReadyAsync()
    {
        await cluster.RequireAsync();
        await Eventually.Async(
            async () => cluster.EventsReplicas.Keys.All(IsRunning) && (await ProcessesAsync()).Keys.ToHashSet(StringComparer.Ordinal).SetEquals(cluster.EventsReplicas.Keys.Select(NameOf)),
            s_limit,
            $"three ready replicas; {cluster.Describe()}");
    }
}
