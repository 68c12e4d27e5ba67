namespace SseApp.Tests.Gateway.Balancing;

public sealed class SeveralGatewaysTests : GatewayTest
{
    [Fact]
    public async Task Two_gateways_serve_the_same_replicas_and_one_takes_over_when_the_other_stops()
    {
        var origins = new[] { await OriginAsync("r1"), await OriginAsync("r2") };
        var first = await GatewayAsync();
        var second = await GatewayAsync();
        using var onFirst = await StreamClient.OpenAsync(first.Client);
        using var onSecond = await StreamClient.OpenAsync(second.Client);
        await onFirst.ReadUntilAsync("stream.open");
        await onSecond.ReadUntilAsync("stream.open");
        Assert.Equal(first.RoutedReplicas(), second.RoutedReplicas());

        Send("data: to both\n\n");
        await onFirst.ReadUntilAsync("data: to both\n\n");
        await onSecond.ReadUntilAsync("data: to both\n\n");

        await first.StopAsync();
        await onFirst.ReadToEndAsync();
        using var movedOver = await StreamClient.OpenAsync(second.Client);
        await movedOver.ReadUntilAsync("stream.open");
        Send("data: after\n\n");
        await onSecond.ReadUntilAsync("data: after\n\n");
        await movedOver.ReadUntilAsync("data: after\n\n");

        void Send(string text)
        {
            foreach (var origin in origins)
            {
                origin.Send(text);
            }
        }
    }

    [Fact]
    public async Task A_replica_that_leaves_is_gone_from_both()
    {
        await OriginAsync("r1");
        var leaving = await OriginAsync("r2");
        var gateways = new[] { await GatewayAsync(), await GatewayAsync() };
        await Registry.RemoveAsync(leaving.Id, Cancellation);
        foreach (var gateway in gateways)
        {
            await UntilAsync(() => gateway.RoutedReplicas() is ["r1"], "r2 to be gone");
        }
    }
}
