using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace SseApp.Tests.Events.Streams;

/// <summary>What a client may expect of every way to write to it, whatever lies between.</summary>
/// <param name="redis">The server of the class.</param>
/// <param name="settings">Of the replica, the endpoint that is tested among them unless it is the usual one.</param>
public abstract class StreamWriterTests(RedisServer redis, params (string Key, string Value)[] settings)
{
    protected static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);
    private static readonly int[] s_sizes = [1, 15, 16, 4_000, 4_096, 16_384, 60_000, 65_529, 2, 65_000];

    [Fact]
    public async Task Events_of_all_sizes_arrive_whole_and_in_order()
    {
        await using var host = await StartAsync();
        using var stream = await ConnectAsync(host);
        await stream.OpenAsync("topic=sizes");
        string[] expected = [.. s_sizes.Select((size, i) => new string((char)('a' + i), size))];

        await PublishAsync(host, "sizes", expected);

        Assert.Equal(expected, await ReadAsync(stream, expected.Length));
    }

    [Fact]
    public async Task A_slow_reader_gets_every_byte_of_what_could_be_sent_only_in_part()
    {
        await using var host = await StartAsync(("Streaming:MaxBacklogBytes", "67108864"));
        using var stream = await ConnectAsync(host, receiveBuffer: 4 * 1024);
        using var backlog = host.Collect("sse_backlog_bytes");
        await stream.OpenAsync("topic=slow&topic=other");
        string[] expected = [.. Enumerable.Range(0, 200).Select(i => $"{i} {new string('x', 50_000 + i)}")];

        await PublishAsync(host, "slow", expected);

        backlog.RecordObservableInstruments();
        Assert.True(backlog.LastMeasurement!.Value > 0, "Everything was sent at once, so nothing was sent in part.");
        Assert.Equal(expected, await ReadAsync(stream, expected.Length));
        await PublishAsync(host, "other", ["after"]);
        Assert.Equal("after", (await stream.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_stream_ends_cleanly_and_its_connection_serves_the_next_request()
    {
        await using var host = await StartAsync(("Streaming:MaxConnectionAge", "00:00:03"));
        using var closed = host.Collect("sse_connections_closed_total");
        using var stream = await ConnectAsync(host);
        await stream.OpenAsync("topic=end");
        await PublishAsync(host, "end", ["one"]);
        Assert.Equal("one", (await stream.NextAsync())?.Data);

        Assert.Null(await stream.NextAsync());

        Assert.Equal("age", closed.GetMeasurementSnapshot().Last(measurement => measurement.Value == 1).Tags["reason"]);
        await stream.OpenAsync("topic=end");
        await PublishAsync(host, "end", ["two"]);
        Assert.Equal("two", (await stream.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_client_that_resets_in_the_middle_of_a_send_goes_alone()
    {
        await using var host = await StartAsync(("Streaming:MaxBacklogBytes", "67108864"));
        using var active = host.Collect("sse_active_connections");
        using var backlog = host.Collect("sse_backlog_bytes");
        using var stays = await ConnectAsync(host);
        using var leaves = await ConnectAsync(host, receiveBuffer: 4 * 1024);
        await stays.OpenAsync("topic=reset");
        await leaves.OpenAsync("topic=reset");
        string[] expected = [.. Enumerable.Range(0, 200).Select(i => $"{i} {new string('x', 50_000)}")];
        var reading = ReadAsync(stays, expected.Length);
        await PublishAsync(host, "reset", expected);
        backlog.RecordObservableInstruments();
        Assert.True(backlog.LastMeasurement!.Value > 0, "No send was under way.");

        leaves.Reset();

        await CountedOutAsync(active, backlog);
        Assert.Equal(expected, await reading);
        await PublishAsync(host, "reset", ["last"]);
        Assert.Equal("last", (await stays.NextAsync())?.Data);
    }

    /// <summary>Waits until one stream is left and nothing waits for any.</summary>
    protected static Task CountedOutAsync(MetricCollector<long> active, MetricCollector<long> backlog) => Eventually.Async(
        () =>
        {
            active.RecordObservableInstruments();
            backlog.RecordObservableInstruments();
            return active.LastMeasurement!.Value == 1 && backlog.LastMeasurement!.Value == 0;
        },
        s_limit,
        "the stream that left to be counted out with its backlog");

    internal static async Task PublishAsync(EventsHost host, string topic, params string[] data)
    {
        foreach (var one in data)
        {
            using var answer = await host.PublishAsync(topic, one);
            answer.EnsureSuccessStatusCode();
        }
    }

    internal static async Task<IReadOnlyList<string>> ReadAsync(IStreamPeer stream, int count)
    {
        var data = new List<string>();
        while (data.Count < count)
        {
            data.Add((await stream.NextAsync() ?? throw new InvalidOperationException($"The stream ended after {data.Count} of {count} events.")).Data);
        }

        return data;
    }

    internal abstract Task<IStreamPeer> ConnectAsync(EventsHost host, int receiveBuffer = 0);

    // What is published while a client does not read takes its time on a busy machine.
    protected Task<EventsHost> StartAsync(params (string Key, string Value)[] more) =>
        EventsHost.StartAsync(redis, null, [("Streaming:MaxBacklogAge", "00:10:00"), .. settings, .. more]);

    /// <summary>Settings of a second endpoint beside the plain one that events are published at.</summary>
    internal static (string Key, string Value)[] SecondEndpoint(string protocols, TestCertificate? tls) =>
    [
        ("Hosts:Allowed:0", "events.example"),
        ("Kestrel:Endpoints:1:Url", "http://127.0.0.1:0"),
        ("Kestrel:Endpoints:2:Url", tls is null ? "http://127.0.0.1:0" : "https://127.0.0.1:0"),
        ("Kestrel:Endpoints:2:Protocols", protocols),
        .. tls is null ? Array.Empty<(string, string)>() :
        [
            ("Kestrel:Endpoints:2:Certificate:Path", tls.CertificateFile),
            ("Kestrel:Endpoints:2:Certificate:KeyPath", tls.KeyFile),
        ],
    ];
}

public sealed class PipeStreamWriterTests(RedisServer redis) : PlainStreamWriterTests(redis, direct: false), IClassFixture<RedisServer>;

public sealed class SocketStreamWriterTests(RedisServer redis) : PlainStreamWriterTests(redis, direct: true), IClassFixture<RedisServer>;

/// <summary>HTTP/1.1 over TLS.</summary>
public sealed class TlsStreamWriterTests(RedisServer redis, TlsFixture tls)
    : StreamWriterTests(redis, SecondEndpoint("Http1", tls.Certificate)), IClassFixture<RedisServer>, IClassFixture<TlsFixture>
{
    internal override async Task<IStreamPeer> ConnectAsync(EventsHost host, int receiveBuffer = 0) =>
        await RawStream.ConnectAsync(host.Addresses[1], receiveBuffer, tls.Certificate);
}
