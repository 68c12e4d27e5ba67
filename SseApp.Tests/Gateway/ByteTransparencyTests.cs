using System.Globalization;
using System.Net.Sockets;
using System.Text;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Gateway;

public sealed class ByteTransparencyTests : GatewayTest
{
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
    public async Task What_the_replica_sends_byte_by_byte_arrives_unchanged(string name, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        await TcpOriginAsync("r1", async (socket, cancellationToken) =>
        {
            await HeadAsync(socket, cancellationToken);
            foreach (var value in bytes)
            {
                await ChunkAsync(socket, new[] { value }, cancellationToken);
            }

            await socket.SendAsync("0\r\n\r\n"u8.ToArray(), cancellationToken);
        });
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);

        var received = await client.ReadToEndAsync();

        Assert.True(bytes.AsSpan().SequenceEqual(received), $"{name}: received {Convert.ToHexString(received)}, sent {Convert.ToHexString(bytes)}");
    }

    [Fact]
    public async Task Halves_of_a_character_and_of_a_line_end_are_not_held_back()
    {
        var next = new SemaphoreSlim(0);
        byte[][] parts = [[0xE2, 0x82], [0xAC, (byte)'\r'], [(byte)'\n']];
        await TcpOriginAsync("r1", async (socket, cancellationToken) =>
        {
            await HeadAsync(socket, cancellationToken);
            foreach (var part in parts)
            {
                await ChunkAsync(socket, part, cancellationToken);
                await next.WaitAsync(cancellationToken);
            }
        });
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);

        var count = 0;
        foreach (var part in parts)
        {
            count += part.Length;
            Assert.Equal(count, (await client.ReadBytesAsync(count)).Length);
            next.Release();
        }
    }

    [Fact]
    public async Task An_event_of_5_MB_arrives_whole()
    {
        var data = Encoding.ASCII.GetBytes("data: " + new string('y', 5 * 1024 * 1024) + "\n\n");
        await TcpOriginAsync("r1", async (socket, cancellationToken) =>
        {
            await HeadAsync(socket, cancellationToken);
            await ChunkAsync(socket, data, cancellationToken);
            await socket.SendAsync("0\r\n\r\n"u8.ToArray(), cancellationToken);
        });
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);

        var received = await client.ReadToEndAsync();
        Assert.True(data.AsSpan().SequenceEqual(received), "The bytes differ.");
    }

    private static async Task HeadAsync(Socket socket, CancellationToken cancellationToken) =>
        await socket.SendAsync(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray(), cancellationToken);

    private static async Task ChunkAsync(Socket socket, byte[] bytes, CancellationToken cancellationToken)
    {
        var length = bytes.Length.ToString("x", CultureInfo.InvariantCulture);
        byte[] chunk = [.. Encoding.ASCII.GetBytes(length + "\r\n"), .. bytes, .. "\r\n"u8];
        await socket.SendAsync(chunk, cancellationToken);
    }
}
