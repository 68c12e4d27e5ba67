namespace SseApp.Tests.Gateway.Forwarding;

/// <summary>Which bodies are kept for a second try, and that all of them together have a limit.</summary>
public sealed class ReplayBudgetTests : GatewayTest
{
    [Fact]
    public async Task A_publish_that_finds_no_room_is_forwarded_but_not_repeated_until_there_is_room_again()
    {
        var held = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await TcpOriginAsync("r1", (_, _) => Task.CompletedTask);
        await HandlingOriginAsync("r2", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            if (context.Request.Query.ContainsKey("hold"))
            {
                held.TrySetResult();
                await release.Task.WaitAsync(context.RequestAborted);
            }
        });
        var gateway = await GatewayAsync(
            ("Balancing:Policy", "WeightedRoundRobin"), ("ReplicaHealth:MaxFails", "0"), ("Upstream:MaxReplayTotalBytes", "10000"));
        var first = PublishAsync(gateway, "/topics/a/events?hold=1");
        await held.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);

        HttpStatusCode[] without = [await PublishAsync(gateway, "/topics/a/events"), await PublishAsync(gateway, "/topics/a/events")];
        release.SetResult();

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.BadGateway], without.Order());
        Assert.Equal(HttpStatusCode.OK, await first);
        await Eventually.Async(
            async () => await PublishAsync(gateway, "/topics/a/events") == HttpStatusCode.OK && await PublishAsync(gateway, "/topics/a/events") == HttpStatusCode.OK,
            TimeSpan.FromSeconds(10),
            "publishes to be repeated again");
    }

    [Fact]
    public async Task A_request_to_another_service_is_not_repeated_for_its_idempotency_key()
    {
        var broken = Own(TcpOrigin.Start((_, _) => Task.CompletedTask));
        var service = Own(await OriginHost.StartAsync("s1"));
        var gateway = await GatewayAsync(
        [
            .. OtherService(service),
            ("ReverseProxy:Clusters:other:LoadBalancingPolicy", "WeightedRoundRobin"),
            ("ReverseProxy:Clusters:other:Destinations:s2:Address", broken.Address.AbsoluteUri),
            ("ReplicaHealth:MaxFails", "0"),
        ]);

        HttpStatusCode[] answers = [await PublishAsync(gateway, "/other/orders"), await PublishAsync(gateway, "/other/orders")];

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.BadGateway], answers.Order());
        Assert.Single(service.Requests);
    }

    private static async Task<HttpStatusCode> PublishAsync(GatewayHost gateway, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(new string('x', 6000)) };
        request.Headers.Add("Idempotency-Key", "order-1");
        using var response = await gateway.Client.SendAsync(request, Cancellation);
        return response.StatusCode;
    }
}
