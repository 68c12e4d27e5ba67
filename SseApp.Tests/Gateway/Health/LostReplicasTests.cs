using SseApp.Gateway.Health;

namespace SseApp.Tests.Gateway.Health;

/// <summary>When streams of a replica are given up, and when not; a frozen process is in the chaos tests.</summary>
public sealed class LostReplicasTests : GatewayTest
{
    [Fact]
    public async Task A_replica_that_lost_its_heartbeat_but_answers_keeps_its_streams()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("\"replica\":\"r1\"");
        origin.Healthy = false;

        await Registry.RemoveAsync("r1", Cancellation);
        await UntilAsync(() => gateway.RoutedReplicas().Count == 0, "the replica to leave");
        var checks = origin.HealthChecks;
        await UntilAsync(() => origin.HealthChecks >= checks + 3, "the replica to be asked three times");

        origin.Send("data: still here\n\n");
        await client.ReadUntilAsync("still here");
        Assert.Empty(gateway.Get<LostReplicas>().Frozen);
    }

    [Fact]
    public async Task A_replica_is_found_by_its_id_whatever_characters_that_has()
    {
        const string Id = "r 1/ü@host:80";
        var origin = await OriginAsync("r1");
        await Registry.WriteAsync(origin.Record with { Id = Id }, announce: true, Cancellation);
        var gateway = await GatewayAsync();
        await UntilAsync(() => gateway.RoutedReplicas().Count == 2, "both replicas");

        var details = await gateway.Admin.GetFromJsonAsync<JsonElement>($"/admin/replicas/{Uri.EscapeDataString(Id)}", Cancellation);

        Assert.Equal(Id, details.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_replica_that_neither_beats_nor_answers_is_listed_as_frozen_until_it_beats_again()
    {
        var frozen = false;
        var origin = Own(await OriginHost.StartAsync("r1", context =>
            Volatile.Read(ref frozen) ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted) : Task.CompletedTask));
        await Registry.WriteAsync(origin.Record, announce: true, Cancellation);
        var gateway = await GatewayAsync(("ReplicaHealth:Path", "/probe"), ("ReplicaHealth:Timeout", "00:00:00.300"));
        using var lost = new MetricProbe(gateway, "sse_gateway_streams_lost_total");
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("\"replica\":\"r1\"");

        Volatile.Write(ref frozen, true);
        await Registry.RemoveAsync("r1", Cancellation);

        await UntilAsync(() => gateway.Get<LostReplicas>().Frozen.Count == 1, "the replica to be lost");
        await UntilAsync(() => lost.Sum == 1, "its stream to count as lost");
        var replica = Assert.Single((await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/replicas", Cancellation)).EnumerateArray());
        Assert.Equal(("r1", "frozen", "unhealthy"), (replica.GetProperty("id").GetString(), replica.GetProperty("state").GetString(), replica.GetProperty("health").GetString()));
        var details = await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/replicas/r1", Cancellation);
        Assert.Equal(("frozen", false), (details.GetProperty("state").GetString(), details.GetProperty("reachable").GetBoolean()));

        Volatile.Write(ref frozen, false);
        await Registry.WriteAsync(origin.Record, announce: true, Cancellation);
        await UntilAsync(() => gateway.Get<LostReplicas>().Frozen.Count == 0, "the replica to be back");
    }

    [Fact]
    public async Task One_that_has_drained_and_then_freezes_is_listed_as_frozen_and_one_that_ended_is_not()
    {
        var frozen = false;
        RequestDelegate answer = context =>
            Volatile.Read(ref frozen) ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted) : Task.CompletedTask;
        var freezes = Own(await OriginHost.StartAsync("r1", answer));
        var ends = Own(await OriginHost.StartAsync("r2", answer));
        await Registry.WriteAsync(freezes.Record, announce: true, Cancellation);
        await Registry.WriteAsync(ends.Record, announce: true, Cancellation);
        var gateway = await GatewayAsync(("ReplicaHealth:Path", "/probe"), ("ReplicaHealth:Timeout", "00:00:00.300"));
        await UntilAsync(() => gateway.RoutedReplicas().Count == 2, "both replicas");
        var lost = gateway.Get<LostReplicas>();
        foreach (var origin in new[] { freezes, ends })
        {
            var watch = lost.Enter(origin.Record.Id, origin.Record.Address.AbsoluteUri);
            lost.Leave(watch);
            await Registry.WriteAsync(origin.Record with { State = ReplicaState.Draining }, announce: true, Cancellation);
            await UntilAsync(() => watch.Record is { State: ReplicaState.Draining }, "the gateway to have seen that it drains");
        }

        Volatile.Write(ref frozen, true);
        await Registry.RemoveAsync("r2", Cancellation);
        Registry.Forget("r1");

        await UntilAsync(() => lost.Frozen.Count > 0, "the frozen one to be lost");
        Assert.Equal(["r1"], lost.Frozen.Select(replica => replica.Id));
        Assert.Equal(ReplicaState.Draining, lost.Frozen[0].State);
    }
}
