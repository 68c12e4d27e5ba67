using System.IO.Compression;

namespace SseApp.Tests.Hostile;

/// <summary>Nothing is unpacked here, so there is nothing that a small body could become: whatever says that it is packed is refused.</summary>
public sealed class CompressedBodyTests(RedisServer redis) : HostileTest(redis)
{
    private static readonly string[][] s_codings =
    [
        ["gzip"], ["GZip"], ["x-gzip"], ["br"], ["BR"], ["deflate"], ["zstd"], ["compress"], ["none"], ["gzip, gzip, gzip"], ["identity, gzip"], ["gzip,identity"], [", gzip"],
        ["identity", "gzip"], ["gzip", "br"], [" \tgzip"], ["gzip;q=1"], ["\"gzip\""],
    ];

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_body_that_is_packed_is_refused_and_not_unpacked(string service)
    {
        var site = await BeginAsync();
        var address = service == "gateway" ? site.Gateway.Address : site.Replica.Address;
        var bomb = Bomb();
        foreach (var path in (string[])["/topics/bomb/events", "/publish"])
        {
            foreach (var coding in s_codings)
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(address.Host, address.Port, Cancellation);
                var lines = string.Concat(coding.Select(value => $"Content-Encoding: {value}\r\n"));
                await socket.SendAsync(
                    (byte[])[.. Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {bomb.Length}\r\n\r\n"), .. bomb], Cancellation);

                var answer = await RawHttp.ReadAsync(socket, until: "}");

                RawHttp.AssertProblem(415, answer);
                Assert.Contains("\r\nAccept-Encoding: identity\r\n", answer, StringComparison.Ordinal);
            }

            // And of the transfer (RFC 9112, 6.1), which a gateway would take away.
            foreach (var (coding, status) in new[] { ("gzip, chunked", 501), ("GZIP,Chunked", 501), ("gzip\r\nTransfer-Encoding: chunked", 501), ("identity, chunked", 501), ("chunked, chunked", 501), ("chunked, gzip", 400), ("deflate", 400) })
            {
                var answer = await RawHttp.AskAsync(address, $"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n1\r\nx\r\n0\r\n\r\n");
                Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{coding}: {answer}");
                RawHttp.AssertProblem(status, answer);
            }
        }

        using var topic = JsonDocument.Parse(await site.Replica.Client.GetStringAsync("/topics/bomb", Cancellation));
        Assert.Equal(0, topic.RootElement.GetProperty("lastOffset").GetInt64());
        await site.AssertGoesOnAsync();
        if (service == "gateway")
        {
            await UntilAsync(() => site.Answers(415) == 2 * s_codings.Length, "all to be counted");
        }
    }

    // 32 MiB in 32 KiB.
    private static byte[] Bomb()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize))
        {
            gzip.Write(new byte[32 * 1024 * 1024]);
        }

        return packed.ToArray();
    }
}
