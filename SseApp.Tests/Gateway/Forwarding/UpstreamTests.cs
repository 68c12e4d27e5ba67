namespace SseApp.Tests.Gateway.Forwarding;

public sealed class UpstreamTests : GatewayTest
{
    private readonly ConcurrentQueue<string> _connections = new();

    [Fact]
    public async Task Nothing_is_answered_from_a_cache()
    {
        var gateway = await ServiceAsync();
        for (var i = 0; i < 3; i++)
        {
            await gateway.Client.GetStringAsync("/other/page", Cancellation);
        }

        Assert.Equal(3, _connections.Count);
    }

    [Fact]
    public async Task Connections_to_a_service_are_used_again()
    {
        var gateway = await ServiceAsync();
        for (var i = 0; i < 5; i++)
        {
            await gateway.Client.GetStringAsync($"/other/{i}", Cancellation);
        }

        Assert.Single(_connections.Distinct(StringComparer.Ordinal));
    }

    private async Task<GatewayHost> ServiceAsync()
    {
        var service = Own(await OriginHost.StartAsync("s1", context =>
        {
            _connections.Enqueue(context.Connection.Id);
            context.Response.Headers.CacheControl = "public, max-age=3600";
            return context.Response.WriteAsync("page", context.RequestAborted);
        }));
        return await GatewayAsync(OtherService(service));
    }
}
