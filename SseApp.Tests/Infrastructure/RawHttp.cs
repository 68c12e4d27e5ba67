namespace SseApp.Tests.Infrastructure;

/// <summary>Requests made of bare bytes, a character for each, for what no HTTP client would send.</summary>
internal static class RawHttp
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <summary>Sends it and reads until the server ends the connection, or until <paramref name="until"/> has come.</summary>
    public static async Task<string> AskAsync(Uri address, string request, string? until = null)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        }
        catch (SocketException)
        {
            // Refused and closed before all of it was sent; the answer may be there.
        }

        return await ReadAsync(socket, until);
    }

    public static async Task<string> ReadAsync(Socket socket, string? until = null)
    {
        var buffer = new byte[16 * 1024];
        var text = new StringBuilder();
        while (until is null || !text.ToString().Contains(until, StringComparison.Ordinal))
        {
            int count;
            try
            {
                count = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(s_limit, TimeProvider.System);
            }
            catch (TimeoutException exception)
            {
                throw new TimeoutException($"The server did not go on after: {text}", exception);
            }

            if (count == 0)
            {
                break;
            }

            text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return text.ToString();
    }

    /// <summary>Asserts that an answer has this status and problem details, and returns them.</summary>
    public static JsonElement AssertProblem(int status, string answer)
    {
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/problem+json", answer, StringComparison.OrdinalIgnoreCase);
        var body = answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..];
        var problem = JsonSerializer.Deserialize<JsonElement>(body[body.IndexOf('{', StringComparison.Ordinal)..(body.LastIndexOf('}') + 1)]);
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        return problem;
    }
}
