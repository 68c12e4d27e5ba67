using System.Globalization;
using System.Net.Sockets;
using System.Text;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Gateway;

/// <summary>A server of bare bytes behind the gateway, as a replica and from configuration: what it sends is what the client gets, as it comes.</summary>
public sealed class ByteTransparencyTests : GatewayTest
{
    private const string Replica = "/events?topic=a";
    private const string Configured = "/raw/stream";

    public static TheoryData<string, string> Cases => new()
    {
        { "byte order mark", "\uFEFFdata: a\n\n" },
        { "all line ends", "data: a\rdata: b\r\ndata: c\n\r\n\r\r" },
        { "not ASCII", "data: äöü€ 漢字 😀\n\n" },
        { "comment of 2 KB", ":" + new string('x', 2048) + "\n\n" },
        { "NUL in an id", "id: a\0b\ndata: x\n\n" },
        { "retry and odd fields", "retry: 10\nretry:x\nfoo\n:\n\ndata\n\n" },
        { "event without its end", "data: whole\n\nid: 7\ndata: cut" },
    };

    [Theory, MemberData(nameof(Cases))]
    public Task Each_byte_of_a_replica_is_there_before_it_sends_the_next(string name, string text) =>
        LockStepAsync(name, Replica, chunked: true, Bytes(text));

    [Theory, MemberData(nameof(Cases))]
    public Task Each_byte_of_a_configured_service_is_there_before_it_sends_the_next(string name, string text) =>
        LockStepAsync(name, Configured, chunked: true, Bytes(text));

    [Theory, MemberData(nameof(Cases))]
    public Task Each_byte_of_an_answer_that_ends_with_its_connection_is_there_before_the_next(string name, string text) =>
        LockStepAsync(name, Configured, chunked: false, Bytes(text));

    [Theory]
    [InlineData(Replica)]
    [InlineData(Configured)]
    public Task Halves_of_a_character_and_of_a_line_end_are_not_held_back(string path) =>
        LockStepAsync("halves", path, chunked: true, [[0xE2, 0x82], [0xAC, (byte)'\r'], [(byte)'\n']]);

    [Theory]
    [InlineData(Replica)]
    [InlineData(Configured)]
    public Task An_event_of_5_MB_arrives_whole(string path) =>
        LockStepAsync("5 MB", path, chunked: true, [Encoding.ASCII.GetBytes("data: " + new string('y', 5 * 1024 * 1024) + "\n\n")]);

    private static byte[][] Bytes(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => new[] { value })];

    /// <summary>The server sends a part only when the client has read the one before.</summary>
    private async Task LockStepAsync(string name, string path, bool chunked, byte[][] parts)
    {
        using var next = new SemaphoreSlim(0);
        var origin = await TcpOriginAsync("r1", async (socket, cancellationToken) =>
        {
            await SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Connection: close\r\n\r\n"), cancellationToken);
            foreach (var part in parts)
            {
                await SendAsync(socket, chunked ? Chunk(part) : part, cancellationToken);
                await next.WaitAsync(cancellationToken);
            }

            if (chunked)
            {
                await SendAsync(socket, "0\r\n\r\n", cancellationToken);
            }
        });
        var gateway = await GatewayAsync(
            ("ReverseProxy:Routes:raw:ClusterId", "raw"),
            ("ReverseProxy:Routes:raw:Match:Path", "/raw/{**rest}"),
            ("ReverseProxy:Clusters:raw:Destinations:one:Address", origin.Address.AbsoluteUri));
        using var client = await StreamClient.OpenAsync(gateway.Client, path);

        var count = 0;
        foreach (var part in parts)
        {
            count += part.Length;
            await client.ReadBytesAsync(count);
            next.Release();
        }

        var received = await client.ReadToEndAsync();
        byte[] sent = [.. parts.SelectMany(part => part)];
        Assert.True(sent.AsSpan().SequenceEqual(received), $"{name}: received {Start(received)}, sent {Start(sent)}");
    }

    private static string Start(byte[] bytes) => $"{bytes.Length} bytes, {Convert.ToHexString(bytes.AsSpan(0, Math.Min(bytes.Length, 4096)))}";

    private static byte[] Chunk(byte[] bytes) =>
        [.. Encoding.ASCII.GetBytes(bytes.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"), .. bytes, .. "\r\n"u8];

    private static Task SendAsync(Socket socket, string text, CancellationToken cancellationToken) =>
        SendAsync(socket, Encoding.ASCII.GetBytes(text), cancellationToken);

    private static async Task SendAsync(Socket socket, byte[] bytes, CancellationToken cancellationToken) => await socket.SendAsync(bytes, cancellationToken);
}
