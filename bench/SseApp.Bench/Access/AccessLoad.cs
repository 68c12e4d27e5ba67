using System.Net.Sockets;

namespace SseApp.Bench.Access;

/// <summary>Requests over raw sockets, a few at a time.</summary>
internal sealed class AccessLoad(Uri url, CancellationToken cancellationToken)
{
    public const string Topic = "t1";

    private const int AtOnce = 8;

    private static readonly string s_data = new('x', 100);

    /// <summary>Publishes over connections that are kept.</summary>
    public Task PublishAsync(string?[] credentials) => AtOnceAsync(credentials, async share =>
    {
        using var socket = await ConnectAsync();
        foreach (var credential in share)
        {
            var request = Request($"POST /topics/{Topic}/events", credential, $"Content-Length: {s_data.Length}\r\n", s_data);
            var head = await AskAsync(socket, request, "\r\n\r\n", " 201 ");
            // Problems are longer than what fits; a publish's answer is short, and its length is told.
            var begin = head.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
            var length = Length(head);
            for (var got = head.Length - begin; got < length;)
            {
                var more = await socket.ReceiveAsync(new byte[length - got], cancellationToken);
                got += more > 0 ? more : throw new BenchException("The replica closed a connection in the middle of an answer.");
            }
        }
    });

    /// <summary>Opens streams, each on a connection of its own, and leaves each when it is open.</summary>
    public Task ConnectAsync(string?[] credentials) => AtOnceAsync(credentials, async share =>
    {
        foreach (var credential in share)
        {
            var request = Request($"GET /events?topic={Topic}", credential, "Accept: text/event-stream\r\n", "");
            using var socket = await ConnectAsync();
            await AskAsync(socket, request, "stream.open", " 200 ");
        }
    });

    private static Task AtOnceAsync(string?[] credentials, Func<string?[], Task> run) => Task.WhenAll(credentials.Chunk((credentials.Length + AtOnce - 1) / AtOnce).Select(run));

    private static int Length(string head)
    {
        const string Name = "\r\ncontent-length:";
        var begin = head.IndexOf(Name, StringComparison.OrdinalIgnoreCase) + Name.Length;
        return int.Parse(head.AsSpan(begin, head.IndexOf('\r', begin) - begin).Trim(), CultureInfo.InvariantCulture);
    }

    private byte[] Request(string line, string? credential, string headers, string body) => Encoding.ASCII.GetBytes(
        $"{line} HTTP/1.1\r\nHost: {url.Authority}\r\n{(credential is null ? "" : $"Authorization: Bearer {credential}\r\n")}{headers}\r\n{body}");

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, url.Port, cancellationToken);
        return socket;
    }

    private async Task<string> AskAsync(Socket socket, byte[] request, string until, string status)
    {
        await socket.SendAsync(request, cancellationToken);
        var buffer = new byte[4 * 1024];
        var length = 0;
        while (true)
        {
            var count = length < buffer.Length ? await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken) : 0;
            length += count;
            var text = Encoding.ASCII.GetString(buffer, 0, length);
            if (text.Contains("\r\n\r\n", StringComparison.Ordinal) && !text.AsSpan(0, text.IndexOf('\r', StringComparison.Ordinal)).Contains(status, StringComparison.Ordinal))
            {
                throw new BenchException($"The replica refused: {text}");
            }

            if (text.Contains(until, StringComparison.Ordinal))
            {
                return text;
            }

            if (count == 0)
            {
                throw new BenchException($"The replica closed a connection; it had answered: {text}");
            }
        }
    }
}
