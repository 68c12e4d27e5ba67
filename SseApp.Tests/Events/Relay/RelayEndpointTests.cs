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
        using var response = await host.Client.SendAsync(HttpMethod.Get, RelayProtocol.Path, (header, value));

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
        await using var host = await EventsHost.StartAsync(redis);
        await using var stream = await ConnectAsync(host);
        var output = new RelayOutput(stream, long.MaxValue);
        Open(output, 7, target);

        var (type, body) = (await RelayOrigin.ReadAsync(stream, TestContext.Current.CancellationToken))!.Value;
        Assert.Equal(RelayFrameType.Head, type);
        Assert.Equal((7, expected), (RelayHead.Read(body).Id, RelayHead.Read(body).Status));
    }

    [Fact]
    public async Task Streams_beyond_the_limit_of_a_connection_are_refused_until_others_have_ended()
    {
        await using var host = await EventsHost.StartAsync(redis, settings: ("Relay:MaxStreamsPerConnection", "2"));
        await using var stream = await ConnectAsync(host);
        var output = new RelayOutput(stream, long.MaxValue);
        Open(output, 0, "/events?topic=a");
        Open(output, 1, "/events?topic=a");
        Assert.Equal(200, (await HeadAsync(stream)).Status);
        Assert.Equal(200, (await HeadAsync(stream)).Status);

        for (var i = 0; i < 100; i++)
        {
            Open(output, 2, "/events?topic=a");
            var refused = await HeadAsync(stream);
            Assert.Equal((2, 503), (refused.Id, refused.Status));
            Assert.Contains(KeyValuePair.Create("Stream-Refused", "relay-full"), refused.Headers);
            await EndAsync(stream, 2);
        }

        output.Append(RelayFrameType.Close, 1);
        output.Flush();
        await EndAsync(stream, 1);
        Open(output, 2, "/events?topic=a");
        Assert.Equal(200, (await HeadAsync(stream)).Status);
    }

    [Fact]
    public async Task A_number_may_be_used_again_as_soon_as_its_stream_has_ended()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var stream = await ConnectAsync(host);
        var output = new RelayOutput(stream, long.MaxValue);
        for (var i = 0; i < 500; i++)
        {
            Open(output, 7, "/events");
            while (await RelayOrigin.ReadAsync(stream, TestContext.Current.CancellationToken) is var frame && frame?.Type != RelayFrameType.End)
            {
                Assert.NotNull(frame);
            }
        }
    }

    [Fact]
    public async Task A_frame_that_says_that_it_is_longer_than_any_request_ends_the_connection_at_once()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var stream = await ConnectAsync(host);
        var header = new byte[RelayProtocol.HeaderLength];
        BitConverter.TryWriteBytes(header, RelayProtocol.MaxDataLength);
        header[4] = (byte)RelayFrameType.Data;

        await stream.WriteAsync(header, TestContext.Current.CancellationToken);

        Assert.Null(await RelayOrigin.ReadAsync(stream, TestContext.Current.CancellationToken));
    }

    private static async Task<RelayHead> HeadAsync(Stream stream) => RelayHead.Read(await FrameAsync(stream, RelayFrameType.Head));

    private static async Task EndAsync(Stream stream, int id) =>
        Assert.Equal(id, BitConverter.ToInt32(await FrameAsync(stream, RelayFrameType.End)));

    private static async Task<byte[]> FrameAsync(Stream stream, RelayFrameType awaited)
    {
        while (true)
        {
            var (type, body) = await RelayOrigin.ReadAsync(stream, TestContext.Current.CancellationToken)
                ?? throw new InvalidOperationException($"The connection ended before a frame of type {awaited}.");
            if (type == awaited)
            {
                return body;
            }
        }
    }

    private static void Open(RelayOutput output, int id, string target)
    {
        output.Append(RelayFrameType.Open, new RelayOpen(id, target, [new("Host", "a")]), static (writer, open) => open.Write(writer));
        output.Flush();
    }

    private static async Task<NetworkStream> ConnectAsync(EventsHost host)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.Address.Host, host.Address.Port, cancellation);
        var stream = new NetworkStream(socket, ownsSocket: true);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /relay HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {RelayProtocol.Upgrade}\r\n\r\n"), cancellation);
        var one = new byte[1];
        var head = "";
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, cancellation);
            head += (char)one[0];
        }

        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        return stream;
    }
}
