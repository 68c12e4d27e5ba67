namespace SseApp.Tests.Events.Streams;

/// <summary>HTTP/2, where streams share a connection and each has its own window.</summary>
public abstract class Http2StreamWriterTests(RedisServer redis, TlsFixture? tls)
    : StreamWriterTests(redis, SecondEndpoint("Http2", tls?.Certificate))
{
    [Fact]
    public async Task A_stream_that_is_not_read_and_then_given_up_does_not_hold_its_neighbour_on_the_connection()
    {
        await using var host = await StartAsync(("Streaming:MaxBacklogBytes", "67108864"));
        using var active = host.Collect("sse_active_connections");
        using var backlog = host.Collect("sse_backlog_bytes");
        using var stays = Http2Peer.Create(host.Addresses[1], tls?.Certificate);
        using var leaves = stays.Sibling();
        await stays.OpenAsync("topic=shared");
        await leaves.OpenAsync("topic=shared");
        string[] expected = [.. Enumerable.Range(0, 200).Select(i => $"{i} {new string('x', 50_000)}")];
        var reading = ReadAsync(stays, expected.Length);
        await PublishAsync(host, "shared", expected);
        Assert.Equal(expected, await reading);
        backlog.RecordObservableInstruments();
        Assert.True(backlog.LastMeasurement!.Value > 0, "Nothing waited for the stream that is not read.");

        leaves.Cancel();

        await CountedOutAsync(active, backlog);
        await PublishAsync(host, "shared", ["last"]);
        Assert.Equal("last", (await stays.NextAsync())?.Data);
        Assert.Equal(1, stays.Connections);
    }

    internal override Task<IStreamPeer> ConnectAsync(EventsHost host, int receiveBuffer = 0) =>
        Task.FromResult<IStreamPeer>(Http2Peer.Create(host.Addresses[1], tls?.Certificate));
}

public sealed class ClearTextHttp2StreamWriterTests(RedisServer redis) : Http2StreamWriterTests(redis, null), IClassFixture<RedisServer>;

public sealed class TlsHttp2StreamWriterTests(RedisServer redis, TlsFixture tls)
    : Http2StreamWriterTests(redis, tls), IClassFixture<RedisServer>, IClassFixture<TlsFixture>;
