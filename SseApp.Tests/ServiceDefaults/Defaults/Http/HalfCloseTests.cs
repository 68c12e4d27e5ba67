using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

public sealed class HalfCloseTests(RedisServer redis) : EdgeTest(redis)
{
    [Theory]
    [InlineData("gateway")]
    [InlineData("gateway without relay")]
    [InlineData("replica")]
    public async Task A_client_that_says_no_more_gets_its_stream_until_it_leaves(string service)
    {
        var (gateway, replica) = await StartAsync(relay: service != "gateway without relay");
        var address = service == "replica" ? replica.Address : gateway.Address;
        for (var i = 0; i < 10; i++)
        {
            using var socket = await AskAsync(address, "GET /events?topic=a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
            await RawHttp.ReadAsync(socket, until: "\"resumed\"");
            using var published = await replica.PublishAsync("a", $"event {i}");
            Assert.Contains($"data: event {i}\n", await RawHttp.ReadAsync(socket, until: $"data: event {i}\n"), StringComparison.Ordinal);
        }

        // What is sent to a client that has left is answered with a reset.
        using var last = await replica.PublishAsync("a", "last");
        await UntilAsync(() => replica.Get<EventsMetrics>().ActiveConnections == 0, "the streams of clients that left to end");
    }

    /// <summary>A stream needs no body, so nobody waits for one.</summary>
    [Theory]
    [InlineData("gateway")]
    [InlineData("gateway without relay")]
    [InlineData("replica")]
    public async Task A_stream_whose_request_has_a_body_is_open_whatever_comes_of_that(string service)
    {
        var (gateway, replica) = await StartAsync(relay: service != "gateway without relay");
        var address = service == "replica" ? replica.Address : gateway.Address;
        foreach (var rest in (string[])["Content-Length: 5\r\n\r\nhello", "Content-Length: 50\r\n\r\nhel", "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "Transfer-Encoding: chunked\r\n\r\nxyz"])
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(address.Host, address.Port, Cancellation);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /events?topic=a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n{rest}"), Cancellation);
            await RawHttp.ReadAsync(socket, until: "\"resumed\"");
            using var published = await replica.PublishAsync("a", "event");
            await RawHttp.ReadAsync(socket, until: "data: event\n");
        }

        await UntilAsync(() => replica.Get<EventsMetrics>().ActiveConnections == 0, "the streams of clients that left to end");
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_client_that_leaves_its_stream_is_noticed_at_once(string service)
    {
        var (gateway, replica) = await StartAsync();
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync("127.0.0.1", (service == "replica" ? replica.Address : gateway.Address).Port, Cancellation);
            await socket.SendAsync("GET /events?topic=a HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Cancellation);
            await RawHttp.ReadAsync(socket, until: "\"resumed\"");
        }

        await UntilAsync(() => replica.Get<EventsMetrics>().ActiveConnections == 0, "the stream to end, long before a heartbeat");
    }

    /// <summary>Its end may come together with the last byte of its body.</summary>
    [Theory]
    [InlineData("gateway", 2)]
    [InlineData("gateway", 60_000)]
    [InlineData("replica", 2)]
    [InlineData("replica", 60_000)]
    public async Task A_publisher_that_says_no_more_gets_its_answer(string service, int length)
    {
        var (gateway, replica) = await StartAsync();
        var address = service == "replica" ? replica.Address : gateway.Address;
        for (var i = 0; i < 10; i++)
        {
            using var socket = await AskAsync(address, $"POST /topics/half/events HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{new string('x', length)}");
            Assert.StartsWith("HTTP/1.1 201 ", await RawHttp.ReadAsync(socket, until: "\"offset\""), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("gateway", "Content-Length: 50\r\n\r\nabc")]
    [InlineData("gateway", "Content-Length: 50\r\n\r\n")]
    [InlineData("gateway", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc")]
    [InlineData("gateway", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")]
    [InlineData("replica", "Content-Length: 50\r\n\r\nabc")]
    [InlineData("replica", "Content-Length: 50\r\n\r\n")]
    [InlineData("replica", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc")]
    [InlineData("replica", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")]
    public async Task A_publisher_that_says_no_more_within_its_body_is_told_so_and_nothing_is_stored(string service, string rest)
    {
        var (gateway, replica) = await StartAsync();
        var address = service == "replica" ? replica.Address : gateway.Address;
        foreach (var path in (string[])["/topics/half/events", "/publish"])
        {
            using var socket = await AskAsync(address, $"POST {path} HTTP/1.1\r\nHost: a\r\n{rest}");
            // To its end, which is no reset.
            var answer = await RawHttp.ReadAsync(socket);
            Assert.Equal("The body ended before it was complete.", RawHttp.AssertProblem(400, answer).GetProperty("detail").GetString());
            Assert.Equal(0, answer.LastIndexOf("HTTP/1.1 ", StringComparison.Ordinal));
        }

        Assert.Contains("\"lastOffset\":0", await replica.Client.GetStringAsync("/topics/half", Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gateway", "0x5\r\nabcde\r\n0\r\n\r\n")]
    [InlineData("gateway", "ffffffffffffffffff\r\nabc")]
    [InlineData("gateway", "3\r\nabcd\r\n0\r\n\r\n")]
    [InlineData("replica", "0x5\r\nabcde\r\n0\r\n\r\n")]
    [InlineData("replica", "ffffffffffffffffff\r\nabc")]
    [InlineData("replica", "3\r\nabcd\r\n0\r\n\r\n")]
    public async Task A_publisher_whose_chunks_are_malformed_is_told_so(string service, string chunks)
    {
        var (gateway, replica) = await StartAsync();
        using var socket = await AskAsync(
            service == "replica" ? replica.Address : gateway.Address, $"POST /topics/half/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        var detail = RawHttp.AssertProblem(400, await RawHttp.ReadAsync(socket)).GetProperty("detail").GetString();
        Assert.Contains("chunk", detail, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Who_is_refused_before_the_body_is_read_gets_that_answer_whatever_is_missing_of_it()
    {
        var (_, replica) = await StartAsync();
        using var socket = await AskAsync(replica.Address, "POST /topics/half/events HTTP/1.1\r\nHost: a\r\nContent-Encoding: br\r\nContent-Length: 50\r\n\r\nabc");
        Assert.StartsWith("HTTP/1.1 415 ", await RawHttp.ReadAsync(socket), StringComparison.Ordinal);
    }

    /// <summary>Over HTTP/2 every client says that it says no more: END_STREAM ends its side of the request.</summary>
    [Fact]
    public async Task Over_HTTP2_the_end_of_a_request_is_no_end_of_its_answer_and_an_end_too_early_is_a_reset()
    {
        using var certificate = new TestCertificate();
        var (gateway, replica) = await StartAsync(settings:
            [("Tls:CertificateFile", certificate.CertificateFile), ("Tls:KeyFile", certificate.KeyFile), ("Tls:Urls", "https://127.0.0.1:0"), ("Tls:Redirect", "false")]);
        await using var client = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        await client.SendAsync(RawHttp2.Get(1, "/events?topic=half", ("accept", "text/event-stream")));
        Assert.Equal(200, await client.AnswerAsync(1));
        await PublishAsync(3, 2);
        Assert.Equal(201, await client.AnswerAsync(3));
        await PublishAsync(5, 50);
        const int ProtocolError = 1;
        Assert.Equal(-ProtocolError, await client.AnswerAsync(5));

        await client.SendAsync(RawHttp2.Get(7, "/topics/half"));
        Assert.Equal(200, await client.AnswerAsync(7));
        Assert.Equal(1, replica.Get<EventsMetrics>().ActiveConnections);
        Assert.Empty(client.Resets.Keys.Except([5]));
        Assert.Contains("\"lastOffset\":1,", await replica.Client.GetStringAsync("/topics/half", Cancellation), StringComparison.Ordinal);

        Task PublishAsync(int stream, int length) => client.SendAsync(
        [
            .. Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndHeaders, stream, RawHttp2.Request("POST", "/topics/half/events", ("content-length", $"{length}"))),
            .. Http2Frame.Write(Http2Frame.Data, Http2Frame.EndStream, stream, [.. "hi"u8]),
        ]);
    }

    /// <summary>As a proxy beside the gateway may do it.</summary>
    [Fact]
    public async Task Over_a_Unix_socket_it_is_the_same_and_a_client_that_leaves_is_noticed()
    {
        var folder = Directory.CreateTempSubdirectory("sseapp-half-");
        try
        {
            var file = Path.Combine(folder.FullName, "s");
            var builder = WebApplication.CreateBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls($"http://unix:{file}");
            builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Admin:Urls", (string?)"")]);
            builder.AddServiceDefaults();
            await using var app = builder.Build();
            var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            app.UseBareAnswers("failed");
            app.MapPost("/echo", async (HttpContext context) => await context.Request.BodyReader.CopyToAsync(context.Response.Body));
            app.MapGet("/wait", async (HttpContext context) =>
            {
                using var leaves = context.RequestAborted.Register(left.SetResult);
                await context.Response.WriteAsync("begun", Cancellation);
                await left.Task.WaitAsync(Cancellation);
            });
            await app.StartAsync(Cancellation);

            using (var half = await AskLocallyAsync("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"))
            {
                half.Shutdown(SocketShutdown.Send);
                Assert.EndsWith("hello", (await RawHttp.ReadAsync(half)).Replace("\r\n0\r\n\r\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
            }

            using (var waiting = await AskLocallyAsync("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"))
            {
                waiting.Shutdown(SocketShutdown.Send);
                await RawHttp.ReadAsync(waiting, until: "begun");
                Assert.False(left.Task.IsCompleted);
            }

            await left.Task.WaitAsync(Cancellation);

            async Task<Socket> AskLocallyAsync(string request)
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(file), Cancellation);
                await socket.SendAsync(Encoding.ASCII.GetBytes(request), Cancellation);
                return socket;
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Socket> AskAsync(Uri address, string request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, Cancellation);
        // Both in one segment, so that the end does not come after the first byte of the answer (TCP_CORK).
        socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, 3, BitConverter.GetBytes(1));
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        socket.Shutdown(SocketShutdown.Send);
        return socket;
    }
}
