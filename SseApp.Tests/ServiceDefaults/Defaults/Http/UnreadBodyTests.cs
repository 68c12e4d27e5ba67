namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

public sealed class UnreadBodyTests(RedisServer redis) : EdgeTest(redis)
{
    // More than goes at once.
    private const int Length = 8 * 1024 * 1024;

    /// <summary>Whoever shares connections among its clients, as a gateway does, must not send the next one's request behind such a body.</summary>
    [Theory]
    [InlineData("gateway", false)]
    [InlineData("gateway", true)]
    [InlineData("replica", false)]
    [InlineData("replica", true)]
    public async Task A_large_body_that_nobody_wants_is_read_away_behind_its_answer_which_ends_the_connection(string service, bool chunked)
    {
        var address = await AddressAsync(service);
        using var socket = await SendAsync(address, Length, chunked, next: "");
        var answer = await RawHttp.ReadAsync(socket);

        Assert.StartsWith("HTTP/1.1 4", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.OrdinalIgnoreCase);
        RawHttp.AssertProblem(int.Parse(answer.AsSpan(9, 3), CultureInfo.InvariantCulture), answer);
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_small_body_that_nobody_wants_does_not_end_the_connection(string service)
    {
        var address = await AddressAsync(service);
        using var socket = await SendAsync(address, 60_000, chunked: false, next: "GET /alive HTTP/1.1\r\nHost: a\r\n\r\n");
        var answer = await RawHttp.ReadAsync(socket, until: "HTTP/1.1 200 ");

        Assert.StartsWith("HTTP/1.1 4", answer, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
    }

    /// <summary>A client that goes on sending when it has been refused must not be reset: most would never read the answer then.</summary>
    [Theory]
    [InlineData("gateway", false)]
    [InlineData("gateway", true)]
    [InlineData("replica", false)]
    public async Task A_body_over_the_limit_is_taken_while_its_client_sends_it(string service, bool chunked)
    {
        var address = await AddressAsync(service, ("Limits:MaxRequestBodyBytes", "1024"));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, Cancellation);
        // Over the server's own limit, where no option of ours sets it.
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"POST /topics/a/events HTTP/1.1\r\nHost: a\r\n{(chunked ? $"Transfer-Encoding: chunked\r\n\r\n{3 * Length:x}\r\n{new string('x', 2000)}" : "Content-Length: 40000000\r\n\r\n")}"),
            Cancellation);
        var answer = await RawHttp.ReadAsync(socket, until: "}");
        RawHttp.AssertProblem(413, answer);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.OrdinalIgnoreCase);
        // So much that the server would have ended the connection in the middle of it.
        for (var sent = 0; sent < 2 * Length; sent += 64 * 1024)
        {
            await socket.SendAsync(new byte[64 * 1024], Cancellation);
        }

        socket.Shutdown(SocketShutdown.Send);
        await RawHttp.ReadAsync(socket);
    }

    private static async Task<Socket> SendAsync(Uri address, int length, bool chunked, string next)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, Cancellation);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"POST /nowhere HTTP/1.1\r\nHost: a\r\n{(chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {length}")}\r\n\r\n"), Cancellation);
        var body = chunked ? $"{length:x}\r\n{new string('x', length)}\r\n0\r\n\r\n" : new string('x', length);
        await socket.SendAsync(Encoding.ASCII.GetBytes(body + next), Cancellation);
        return socket;
    }
}
