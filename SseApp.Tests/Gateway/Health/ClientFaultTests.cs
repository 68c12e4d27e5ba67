using SseApp.Gateway.Health;
using SseApp.Gateway.Refusals;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using Yarp.ReverseProxy;

namespace SseApp.Tests.Gateway.Health;

/// <summary>What a client does wrong with its body is not its replica's fault: one failed request would take the replica out.</summary>
public sealed class ClientFaultTests : GatewayTest
{
    private const string EventStream = "Accept: text/event-stream\r\n";
    private const string Stalls = "Content-Length: 50\r\n\r\nhel";
    private const string StallsInChunks = "Transfer-Encoding: chunked\r\n\r\n5\r\nhel";
    private const string Malformed = "Transfer-Encoding: chunked\r\n\r\nxyz\r\nhel\r\n";

    /// <summary>A request that never ends, and a part of its answer.</summary>
    private static readonly (string Request, string Then, string Part)[] s_requests =
    [
        ("GET /events?topic=a", $"{EventStream}{Stalls}", "stream.open"),
        ("GET /events?topic=a", $"{EventStream}Content-Length: 50\r\n\r\n", "stream.open"),
        ("GET /events?topic=a", $"{EventStream}Content-Length: 50\r\nExpect: 100-continue\r\n\r\n", "stream.open"),
        ("GET /events?topic=a", $"{EventStream}{StallsInChunks}", "stream.open"),
        ("GET /events?topic=a", $"{EventStream}{Malformed}", "stream.open"),
        ("GET /events?topic=a", $"{EventStream}Content-Length: 30000\r\n\r\nhel", "stream.open"),
        ("GET /events?topic=a", Stalls, "stream.open"),
        ("HEAD /events?topic=a", $"{EventStream}{Stalls}", "HTTP/1.1 200 "),
        ("GET /topics/a", Stalls, "HTTP/1.1 200 "),
        ("GET /topics/a", $"{EventStream}{StallsInChunks}", "HTTP/1.1 200 "),
        ("GET /nothing", $"{EventStream}{Stalls}", "HTTP/1.1 404 "),
        ("POST /events?topic=a", $"{EventStream}{Stalls}", "HTTP/1.1 408 "),
        ("POST /tickets", $"{EventStream}{Stalls}", "HTTP/1.1 408 "),
        ("POST /tickets", StallsInChunks, "HTTP/1.1 408 "),
        ("POST /topics/a/events", Stalls, "HTTP/1.1 408 "),
        ("POST /topics/a/events", $"{EventStream}{StallsInChunks}", "HTTP/1.1 408 "),
        ("POST /topics/a/events", $"Idempotency-Key: k\r\n{Stalls}", "HTTP/1.1 408 "),
        ("POST /topics/a/events", $"Idempotency-Key: k\r\n{StallsInChunks}", "HTTP/1.1 408 "),
        ("POST /topics/a/events", "Content-Length: 50\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 408 "),
        ("POST /topics/a/events", Malformed, "HTTP/1.1 400 "),
        ("POST /publish", $"{EventStream}{Malformed}", "HTTP/1.1 400 "),
        ("PUT /events", $"{EventStream}{Stalls}", "HTTP/1.1 408 "),
        ("PUT /other/a", $"{EventStream}{Stalls}", "HTTP/1.1 408 "),
        ("GET /other/a", $"{EventStream}{Stalls}", "stream.unavailable\ndata: {\"reason\":\"request-too-slow\""),
        ("GET /other/a", StallsInChunks, "HTTP/1.1 408 "),
        ("DELETE /other/a", Stalls, "HTTP/1.1 408 "),
        ("OPTIONS /other/a", Stalls, "HTTP/1.1 408 "),
    ];

    [Theory]
    [InlineData("Upstream:ActivityTimeout")]
    [InlineData("Limits:RequestTimeout")]
    public async Task A_body_that_does_not_come_is_the_clients_fault_alone(string timeout)
    {
        var gateway = await BeginAsync((timeout, "00:00:04"), ("ReverseProxy:Clusters:other:HttpRequest:ActivityTimeout", timeout.StartsWith("Upstream", StringComparison.Ordinal) ? "00:00:04" : "00:01:40"));
        await Task.WhenAll(s_requests.Select(async each =>
        {
            using var socket = await SendAsync(gateway, each.Request, each.Then);
            var answer = await RawHttp.ReadAsync(socket, each.Part);
            Assert.True(answer.Contains(each.Part, StringComparison.Ordinal), $"{each.Request}\n{each.Then}\n\n{answer}");
        }));
        AssertHealthy(gateway);
        Assert.Equal(0, gateway.Get<RefusalTotal>().Value);

        foreach (var (request, rest, _) in s_requests)
        {
            using (var leaves = await SendAsync(gateway, request, rest))
            {
                leaves.LingerState = new LingerOption(true, 0);
            }

            using var ends = await SendAsync(gateway, request, rest);
            ends.Shutdown(SocketShutdown.Send);
        }

        await UntilAsync(() => gateway.Get<DescriptorBudget>().Connections == 0, "the clients that left to be forgotten");
        AssertHealthy(gateway);
    }

    [Fact]
    public async Task Over_HTTP2_as_well()
    {
        using var certificate = new TestCertificate();
        var gateway = await BeginAsync(("Upstream:ActivityTimeout", "00:00:04"), ("ReverseProxy:Clusters:other:HttpRequest:ActivityTimeout", "00:00:04"), ("Tls:CertificateFile", certificate.CertificateFile), ("Tls:KeyFile", certificate.KeyFile), ("Tls:Urls", "https://127.0.0.1:0"), ("Tls:Redirect", "false"));
        await using var connection = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        (string Method, string Path, int Status)[] requests =
        [
            ("GET", "/events?topic=a", 200),
            ("HEAD", "/events?topic=a", 200),
            ("GET", "/topics/a", 200),
            ("POST", "/tickets", 408),
            ("POST", "/topics/a/events", 408),
            ("GET", "/other/a", 200),
            ("DELETE", "/other/a", 408),
        ];
        var stream = 1;
        foreach (var (method, path, _) in requests)
        {
            await connection.SendAsync(
            [
                .. Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndHeaders, stream, RawHttp2.Request(method, path, ("accept", "text/event-stream"))),
                .. Http2Frame.Write(Http2Frame.Data, 0, stream, [.. "hel"u8]),
            ]);
            stream += 2;
        }

        stream = 1;
        foreach (var (method, path, status) in requests)
        {
            Assert.Equal((method, path, status), (method, path, await connection.AnswerAsync(stream)));
            stream += 2;
        }

        // One that ends before its length, and one that is taken back.
        var begun = RawHttp2.Request("POST", "/topics/a/events", ("content-length", "50"));
        await connection.SendAsync([.. Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndHeaders, stream, begun), .. Http2Frame.Write(Http2Frame.Data, Http2Frame.EndStream, stream, [.. "hel"u8])]);
        Assert.Equal(-1, await connection.AnswerAsync(stream));
        stream += 2;
        await connection.SendAsync([.. Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndHeaders, stream, begun), .. Http2Frame.Write(Http2Frame.Reset, 0, stream, Http2Frame.Number(8))]);
        stream += 2;
        await connection.SendAsync(RawHttp2.Get(stream, "/topics/a"));
        Assert.Equal(200, await connection.AnswerAsync(stream));
        AssertHealthy(gateway);
    }

    /// <summary>A replica that refuses need not wait for the rest, and its connection ends with a reset while the client still sends.</summary>
    [Fact]
    public async Task A_replica_that_answers_before_the_body_has_come_and_hangs_up_is_healthy()
    {
        var origin = await TcpOriginAsync("r1", async (socket, cancellation) =>
        {
            await socket.SendAsync("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), cancellation);
            socket.LingerState = new LingerOption(true, 0);
        });
        var gateway = await GatewayAsync(("ReplicaHealth:FailTimeout", "00:10:00"));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");

        using var socket = await SendAsync(gateway, "POST /topics/a/events", $"Content-Length: 1000000\r\n\r\n{new string('x', 20_000)}");
        await UntilAsync(() => origin.Requests == 1, "the replica to have answered");
        var answer = RawHttp.ReadAsync(socket, "HTTP/1.1 ");
        while (await Task.WhenAny(answer, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation)) != answer)
        {
            await socket.SendAsync(new byte[1_000], Cancellation);
        }

        Assert.Matches("^HTTP/1.1 (401|502) ", await answer);
        AssertHealthy(gateway);
    }

    [Fact]
    public async Task What_the_first_has_read_of_a_body_is_not_missing_to_the_second_who_is_not_asked()
    {
        await using var breaks = TcpOrigin.Start(static (_, _) => Task.CompletedTask);
        var second = Own(await OriginHost.StartAsync("s2"));
        var gateway = await GatewayAsync(
        [
            .. OtherService(second),
            ("ReverseProxy:Clusters:other:Destinations:s1:Metadata:backup", "true"),
            ("ReverseProxy:Clusters:other:Destinations:s0:Address", breaks.Address.AbsoluteUri),
        ]);

        var answer = await RawHttp.AskAsync(gateway.Address, "GET /other/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");

        RawHttp.AssertProblem(502, answer);
        Assert.Equal((1, 0), (breaks.Requests, second.Requests.Count));
        Assert.True(ReadyReplicas.IsHealthy(Destinations(gateway).Single(destination => destination.DestinationId == "s1")));
    }

    private static IEnumerable<DestinationState> Destinations(GatewayHost gateway) => gateway.Get<IProxyStateLookup>().GetClusters().SelectMany(cluster => cluster.Destinations.Values);

    private static void AssertHealthy(GatewayHost gateway)
    {
        Assert.NotEmpty(Destinations(gateway));
        Assert.All(Destinations(gateway), destination => Assert.True(ReadyReplicas.IsHealthy(destination), destination.DestinationId));
    }

    private static async Task<Socket> SendAsync(GatewayHost gateway, string request, string rest)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(gateway.Address.Host, gateway.Address.Port, Cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"{request} HTTP/1.1\r\nHost: localhost\r\n{rest}"), Cancellation);
        return socket;
    }

    private async Task<GatewayHost> BeginAsync(params (string Key, string Value)[] settings)
    {
        await OriginAsync("r1");
        await OriginAsync("r2");
        var other = Own(await OriginHost.StartAsync("s1"));
        var gateway = await GatewayAsync(
        [
            .. OtherService(other),
            ("Upstream:FirstByteTimeout", "00:00:02"),
            ("ReplicaHealth:FailTimeout", "00:10:00"),
            .. settings,
        ]);
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the replicas to be routed to");
        return gateway;
    }
}
