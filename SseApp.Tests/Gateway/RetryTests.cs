using System.Net;
using System.Net.Http.Json;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Gateway;

public sealed class RetryTests : GatewayTest
{
    [Fact]
    public async Task Streams_and_publishes_go_elsewhere_when_a_replica_cannot_be_connected_to()
    {
        var dead = await OriginAsync("r1");
        await OriginAsync("r2");

        // Each request may pick the dead one again: nothing but the retry saves it.
        var gateway = await GatewayAsync(("ReplicaHealth:FailTimeout", "00:00:00.050"), ("ReplicaHealth:Interval", "00:10:00"));
        using var retries = new MetricProbe(gateway, "sse_gateway_retries_total");
        await dead.KillAsync();

        for (var i = 0; i < 6; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
            await client.ReadUntilAsync("\"replica\":\"r2\"");
            using var content = new StringContent("data");
            using var response = await gateway.Client.PostAsync("/topics/a/events", content, Cancellation);
            Assert.Equal("r2", await response.Content.ReadAsStringAsync(Cancellation));
            await Task.Delay(TimeSpan.FromMilliseconds(60), TimeProvider.System, Cancellation);
        }

        Assert.True(retries.Sum > 0, "No retry was counted.");
    }

    [Fact]
    public async Task A_stream_request_goes_elsewhere_when_a_replica_breaks_before_its_first_byte()
    {
        var broken = await TcpOriginAsync("r1", (_, _) => Task.CompletedTask);
        var half = await TcpOriginAsync("r2", async (socket, cancellationToken) =>
            await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/ev"u8.ToArray(), cancellationToken));
        await OriginAsync("r3");
        var gateway = await GatewayAsync();

        for (var i = 0; i < 3; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
            await client.ReadUntilAsync("\"replica\":\"r3\"");
        }

        Assert.True(broken.Requests + half.Requests > 0, "No broken replica was tried.");
    }

    [Fact]
    public async Task A_publish_that_a_replica_took_and_broke_is_not_repeated()
    {
        var broken = await TcpOriginAsync("r1", (_, _) => Task.CompletedTask);
        var alsoBroken = await TcpOriginAsync("r2", (_, _) => Task.CompletedTask);
        var gateway = await GatewayAsync();
        using var content = JsonContent.Create(new { data = "once" });

        using var response = await gateway.Client.PostAsync("/publish", content, Cancellation);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(1, broken.Requests + alsoBroken.Requests);
    }

    [Fact]
    public async Task A_stream_goes_elsewhere_when_a_replica_takes_it_and_keeps_silent()
    {
        var silent = await TcpOriginAsync("r1", (_, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken));
        await OriginAsync("r2");
        var gateway = await GatewayAsync(("Upstream:FirstByteTimeout", "00:00:00.200"), ("ReplicaHealth:FailTimeout", "00:00:00.050"));
        while (silent.Requests == 0)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
            await client.ReadUntilAsync("\"replica\":\"r2\"");
        }
    }

    [Fact]
    public async Task A_client_that_is_refused_keeps_its_last_id()
    {
        var gateway = await GatewayAsync();

        await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=a", lastEventId: "x-1");

        Assert.Equal("stream.unavailable", (await reader.NextAsync())?.Type);
        Assert.Equal("x-1", reader.LastEventId);
    }
}
