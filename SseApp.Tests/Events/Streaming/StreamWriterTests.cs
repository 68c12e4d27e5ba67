using System.Text;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Events.Streaming;

/// <summary>What a client may expect of both ways to write to it.</summary>
public abstract class StreamWriterTests(RedisServer redis, bool direct)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);
    private static readonly int[] s_sizes = [1, 15, 16, 4_000, 4_096, 16_384, 60_000, 65_536, 2, 65_000];

    [Fact]
    public async Task Events_of_all_sizes_arrive_whole_and_in_order()
    {
        await using var host = await StartAsync();
        using var stream = await RawStream.ConnectAsync(host.Address);
        await stream.OpenAsync("topic=sizes");
        string[] expected = [.. s_sizes.Select((size, i) => new string((char)('a' + i), size))];

        await PublishAsync(host, "sizes", expected);

        Assert.Equal(expected, await ReadAsync(stream, expected.Length));
    }

    [Fact]
    public async Task A_slow_reader_gets_every_byte_of_what_could_be_sent_only_in_part()
    {
        await using var host = await StartAsync(("Streaming:MaxBacklogBytes", "67108864"));
        using var stream = await RawStream.ConnectAsync(host.Address, receiveBuffer: 4 * 1024);
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
    public async Task A_stream_ends_with_the_last_chunk_and_its_connection_serves_the_next_request()
    {
        await using var host = await StartAsync(("Streaming:MaxConnectionAge", "00:00:01"));
        using var closed = host.Collect("sse_connections_closed_total");
        using var stream = await RawStream.ConnectAsync(host.Address);
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
        using var stays = await RawStream.ConnectAsync(host.Address);
        using var leaves = await RawStream.ConnectAsync(host.Address, receiveBuffer: 4 * 1024);
        await stays.OpenAsync("topic=reset");
        await leaves.OpenAsync("topic=reset");
        string[] expected = [.. Enumerable.Range(0, 200).Select(i => $"{i} {new string('x', 50_000)}")];
        var reading = ReadAsync(stays, expected.Length);
        await PublishAsync(host, "reset", expected);
        backlog.RecordObservableInstruments();
        Assert.True(backlog.LastMeasurement!.Value > 0, "No send was under way.");

        leaves.Reset();

        await Eventually.Async(
            () =>
            {
                active.RecordObservableInstruments();
                backlog.RecordObservableInstruments();
                return active.LastMeasurement!.Value == 1 && backlog.LastMeasurement!.Value == 0;
            },
            s_limit,
            "the client that left to be counted out with its backlog");
        Assert.Equal(expected, await reading);
        await PublishAsync(host, "reset", ["last"]);
        Assert.Equal("last", (await stays.NextAsync())?.Data);
    }

    [Fact]
    public async Task An_HTTP_1_0_client_gets_the_plain_bytes()
    {
        await using var host = await StartAsync();
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(host.Address.Host, host.Address.Port, TestContext.Current.CancellationToken);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes("GET /events?topic=old HTTP/1.0\r\nHost: localhost\r\n\r\n"), TestContext.Current.CancellationToken);
        var text = "";
        var buffer = new byte[4096];
        var published = false;
        while (!text.Contains("data: hello\n\n", StringComparison.Ordinal))
        {
            var read = await socket.GetStream().ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);
            Assert.True(read > 0, $"The stream ended early: {text}");
            text += Encoding.ASCII.GetString(buffer, 0, read);
            if (!published && text.Contains("stream.open", StringComparison.Ordinal))
            {
                published = true;
                await PublishAsync(host, "old", ["hello"]);
            }
        }

        var body = text[(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.StartsWith(": stream open\n", body, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', body);
    }

    internal static async Task PublishAsync(EventsHost host, string topic, params string[] data)
    {
        foreach (var one in data)
        {
            using var answer = await host.PublishAsync(topic, one);
            answer.EnsureSuccessStatusCode();
        }
    }

    internal static async Task<IReadOnlyList<string>> ReadAsync(RawStream stream, int count)
    {
        var data = new List<string>();
        while (data.Count < count)
        {
            data.Add((await stream.NextAsync() ?? throw new InvalidOperationException($"The stream ended after {data.Count} of {count} events.")).Data);
        }

        return data;
    }

    private async Task<EventsHost> StartAsync(params (string Key, string Value)[] settings)
    {
        var host = await EventsHost.StartAsync(redis, null, [("Streaming:DirectSocketWrites", direct ? "true" : "false"), .. settings]);
        return host;
    }
}
