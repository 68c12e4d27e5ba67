namespace SseApp.Tests.Gateway.Routing;

public sealed class ReplicaRoutingTests : GatewayTest
{
    [Fact]
    public async Task A_draining_replica_gets_no_new_request_and_keeps_its_streams()
    {
        var first = await OriginAsync("r1");
        var second = await OriginAsync("r2");

        // One poll an hour: what happens here happens by announcement alone.
        var gateway = await GatewayAsync(
            ("ReplicaRegistry:HeartbeatInterval", "00:01:00"), ("ReplicaRegistry:Expiry", "00:05:00"), ("Balancing:Policy", "LeastConnections"));
        await UntilAsync(() => Registry.Watchers == 1, "the gateway to follow announcements");
        using var one = await StreamClient.OpenAsync(gateway.Client);
        using var two = await StreamClient.OpenAsync(gateway.Client);
        await one.ReadUntilAsync("stream.open");
        await two.ReadUntilAsync("stream.open");
        Assert.Equal((1, 1), (first.OpenStreams, second.OpenStreams));

        await Registry.WriteAsync(first.Record with { State = ReplicaState.Draining }, announce: true, Cancellation);
        await RoutedAsync(gateway, ["r2"]);

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("r2", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
        }

        first.Send("data: still here\n\n");
        second.Send("data: still here\n\n");
        await one.ReadUntilAsync("still here");
        await two.ReadUntilAsync("still here");
    }

    [Fact]
    public async Task A_new_replica_gets_requests_and_a_removed_one_does_not()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync();
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));

        await OriginAsync("r2");
        await RoutedAsync(gateway, ["r1", "r2"]);
        await Registry.RemoveAsync("r1", Cancellation);
        await RoutedAsync(gateway, ["r2"]);

        Assert.Equal("r2", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
    }

    [Fact]
    public async Task A_starting_replica_gets_no_request()
    {
        await OriginAsync("r1");
        await OriginAsync("r2", record => record with { State = ReplicaState.Starting });
        var gateway = await GatewayAsync();

        await RoutedAsync(gateway, ["r1"]);
    }

    [Fact]
    public async Task The_known_replicas_stay_while_the_registry_is_unreachable_and_when_it_restarts_without_its_data()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync();
        Registry.Away = true;
        await PollsAsync(3);
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));

        Registry.Empty = true;
        Registry.Away = false;
        await PollsAsync(3);
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));

        Registry.Empty = false;
        await PollsAsync(3);
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
    }

    [Fact]
    public async Task Replicas_that_do_not_return_to_an_emptied_registry_are_dropped_after_the_expiry()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("ReplicaRegistry:Expiry", "00:00:00.500"));
        Registry.Empty = true;

        await RoutedAsync(gateway, []);
    }

    [Fact]
    public async Task A_replica_that_fails_its_health_checks_gets_no_request_until_it_passes_again()
    {
        var sick = await OriginAsync("r1");
        await OriginAsync("r2");
        var gateway = await GatewayAsync(("ReplicaHealth:Interval", "00:00:00.100"), ("ReplicaHealth:Timeout", "00:00:00.200"));
        sick.Healthy = false;

        await EventuallyServedByAsync(gateway, served => served.SetEquals(["r2"]), "only r2 to serve");
        sick.Healthy = true;
        await EventuallyServedByAsync(gateway, served => served.SetEquals(["r1", "r2"]), "r1 to serve again");
    }

    private async Task PollsAsync(int count)
    {
        var from = Registry.Reads;
        await UntilAsync(() => Registry.Reads >= from + count, $"{count} reads of the registry");
    }

    private static async Task EventuallyServedByAsync(GatewayHost gateway, Func<HashSet<string>, bool> condition, string awaited)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10), TimeProvider.System);
        HashSet<string> served;
        do
        {
            Assert.False(limit.IsCancellationRequested, $"Waited 10 s for {awaited}.");
            served = [];
            for (var i = 0; i < 8; i++)
            {
                served.Add(await gateway.Client.GetStringAsync("/topics/a", Cancellation));
            }
        }
        while (!condition(served));
    }

    private static Task RoutedAsync(GatewayHost gateway, string[] ids) =>
        UntilAsync(
            () => gateway.RoutedReplicas().SequenceEqual(ids, StringComparer.Ordinal),
            $"the gateway to route to [{string.Join(", ", ids)}]; it has [{string.Join(", ", gateway.RoutedReplicas())}]");
}
