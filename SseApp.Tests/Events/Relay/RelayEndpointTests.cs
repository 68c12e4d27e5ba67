using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Tests.Events.Relay;

/// <summary>A relay connection allows nothing that a plain request would not.</summary>
public sealed class RelayEndpointTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Without_the_key_there_is_no_relay_and_with_it_the_upgrade_is_asked_for()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var forged = host.Collect("sse_forged_total");
        using var stranger = await host.Client.SendAsync(HttpMethod.Get, RelayProtocol.Path, ("Connection", "Upgrade"), ("Upgrade", RelayProtocol.Upgrade));
        Assert.Equal(HttpStatusCode.NotFound, stranger.StatusCode);
        Assert.Equal("relay", Assert.Single(forged.GetMeasurementSnapshot(), measured => measured.Value > 0).Tags["kind"]);

        // Signed for a client's request: a gateway with a route to everything would send that.
        using var client = new HttpClient(new ClusterKey.Handler(host.Get<ReplicaIdentity>().Id, RequestPurpose.Client)) { BaseAddress = host.Address };
        using var forwarded = await client.SendAsync(HttpMethod.Get, RelayProtocol.Path, ("Connection", "Upgrade"), ("Upgrade", RelayProtocol.Upgrade));
        Assert.Equal(HttpStatusCode.NotFound, forwarded.StatusCode);

        using var gateway = new HttpClient(new ClusterKey.Handler(host.Get<ReplicaIdentity>().Id, RequestPurpose.Relay)) { BaseAddress = host.Address };
        using var plain = await gateway.GetAsync(RelayProtocol.Path, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.UpgradeRequired, "application/problem+json"), (plain.StatusCode, plain.Content.Headers.ContentType?.MediaType));
    }

    [Theory]
    [InlineData("Last-Event-ID", "a\nid: 7")]
    [InlineData("X-Real-IP", "a\r")]
    [InlineData("X-Real-IP", "a\0b")]
    [InlineData("X Real", "a")]
    [InlineData("", "a")]
    [InlineData("Näme", "a")]
    public async Task Headers_that_no_server_takes_end_the_connection(string name, string value)
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var stream = await ConnectAsync(host);
        var output = new RelayOutput(stream, long.MaxValue);
        output.Append(RelayFrameType.Open, new RelayOpen(1, "/events?topic=a", [new(name, value)]), static (writer, open) => open.Write(writer));
        output.Flush();

        Assert.Null(await RelayOrigin.ReadAsync(stream, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_gateway_that_asks_and_does_not_read_is_cut_off()
    {
        await using var host = await EventsHost.StartAsync(redis, settings: ("Relay:MaxStreamsPerConnection", "1"));
        await using var stream = await ConnectAsync(host);
        var output = new RelayOutput(stream, long.MaxValue, int.MaxValue);
        Open(output, 0, "/events?topic=a");
        var body = new SendBuffer(64);
        new RelayOpen(1, "/events?topic=a", []).Write(body);
        byte[] one = [.. BitConverter.GetBytes(body.Length + 1), (byte)RelayFrameType.Open, .. body.Payload];
        byte[] many = [.. Enumerable.Repeat(one, 1_000).SelectMany(frame => frame)];

        // Each of them is refused with a head of about 70 bytes.
        var sent = 0;
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            for (; sent < 1_000; sent++)
            {
                await stream.WriteAsync(many, TestContext.Current.CancellationToken);
            }
        });
        Assert.InRange(sent, 1, 999);
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

    [Theory]
    [InlineData("/topics/a/events", 201)]
    [InlineData("/Topics/a/events/?event=x", 201)]
    [InlineData("/topics/a%252Fb/events", 201)]
    [InlineData("/topics//events", 404)]
    [InlineData("/publish", 400)]
    [InlineData("/tickets", 404)]
    [InlineData("/admin/drain", 404)]
    [InlineData("/events?topic=a", 404)]
    [InlineData("/topics/a/events/../../../tickets", 404)]
    public async Task Of_requests_only_publishes_can_be_asked_for_and_the_rules_are_the_same(string target, int expected)
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var stream = await ConnectAsync(host, requests: true);
        var output = new RelayOutput(stream, long.MaxValue);

        Ask(output, 7, target, "x"u8.ToArray());

        var answer = RelayAnswer.Read(await FrameAsync(stream, RelayFrameType.Answer));
        Assert.Equal((7, expected), (answer.Id, answer.Status));
    }

    [Theory]
    [InlineData(true, RelayProtocol.MaxRequestBody + 1)]
    [InlineData(false, 1)]
    public async Task A_request_that_is_too_long_or_was_not_agreed_on_ends_the_connection(bool agreed, int length)
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var stream = await ConnectAsync(host, requests: agreed);

        Ask(new RelayOutput(stream, long.MaxValue), 1, "/topics/a/events", new byte[length]);

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

    private static void Ask(RelayOutput output, int id, string target, byte[] body)
    {
        output.Append(RelayFrameType.Request, new RelayRequest(id, target, [new("Host", "a")], body), static (writer, request) => request.Write(writer));
        output.Flush();
    }

    private static async Task<NetworkStream> ConnectAsync(EventsHost host, bool requests = false)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.Address.Host, host.Address.Port, cancellation);
        var stream = new NetworkStream(socket, ownsSocket: true);
        var signature = ClusterKey.Requests.Sign("GET", RelayProtocol.Path, host.Get<ReplicaIdentity>().Id, RequestPurpose.Relay);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /relay HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {RelayProtocol.Upgrade}\r\n{RequestSignature.Header}: {signature}\r\n{(requests ? $"{RelayProtocol.MaxRequestsHeader}: 1\r\n" : "")}\r\n"), cancellation);
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
