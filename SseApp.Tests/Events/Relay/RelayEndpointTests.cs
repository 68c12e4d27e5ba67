using System.Net;
using System.Net.Sockets;
using System.Text;
using SseApp.ServiceDefaults.Relay;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Events.Relay;

/// <summary>A relay connection allows nothing that a plain request would not.</summary>
public sealed class RelayEndpointTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Theory]
    [InlineData("X-Forwarded-For", "192.0.2.1", HttpStatusCode.Forbidden)]
    [InlineData("Forwarded", "for=192.0.2.1", HttpStatusCode.Forbidden)]
    [InlineData("X-Anything", "else", HttpStatusCode.UpgradeRequired)]
    public async Task Requests_through_a_proxy_and_without_the_upgrade_are_refused(string header, string value, HttpStatusCode expected)
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var request = new HttpRequestMessage(HttpMethod.Get, RelayProtocol.Path);
        request.Headers.TryAddWithoutValidation(header, value);

        using var response = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(expected, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("/metrics", 404)]
    [InlineData("/events/../metrics", 404)]
    [InlineData("/topics/a/events", 404)]
    [InlineData("/events", 400)]
    [InlineData("/events?topic=a", 200)]
    public async Task Only_streams_can_be_asked_for_and_the_rules_are_the_same(string target, int expected)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var host = await EventsHost.StartAsync(redis);
        using var socket = new TcpClient();
        await socket.ConnectAsync(host.Address.Host, host.Address.Port, cancellation);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /relay HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {RelayProtocol.Upgrade}\r\n\r\n"), cancellation);
        var one = new byte[1];
        var head = "";
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, cancellation);
            head += (char)one[0];
        }

        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        var output = new RelayOutput(stream, long.MaxValue);
        output.Append(RelayFrameType.Open, new RelayOpen(7, target, [new("Host", "a")]), static (writer, open) => open.Write(writer));
        output.Flush();

        var (type, body) = (await RelayOrigin.ReadAsync(stream, cancellation))!.Value;
        Assert.Equal(RelayFrameType.Head, type);
        Assert.Equal((7, expected), (RelayHead.Read(body).Id, RelayHead.Read(body).Status));
    }
}
