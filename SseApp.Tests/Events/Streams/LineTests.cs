using System.Text.RegularExpressions;

namespace SseApp.Tests.Events.Streams;

/// <summary>What simple clients, which are not written by the standard, expect of the lines of a stream.</summary>
public sealed partial class LineTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int LongestLine = 64 * 1024;

    /// <summary>Some take every blank line for the end of an event.</summary>
    [Fact]
    public async Task Every_blank_line_ends_an_event_that_has_data()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Streaming:HeartbeatInterval", "00:00:00.100"));
        using var client = await StreamClient.OpenAsync(host.Client, "/events?topic=blank");
        await HeartbeatsAsync(client, "}\n\n");
        using (await host.PublishAsync("blank", "one"))
        {
            await HeartbeatsAsync(client, "data: one\n\n");
        }

        await host.StopAsync();

        var text = Encoding.UTF8.GetString(await client.ReadToEndAsync());
        var blocks = text.Split("\n\n");
        Assert.All(blocks[..^1], block => Assert.Contains("\ndata: ", block, StringComparison.Ordinal));
        Assert.Matches(End(), blocks[^1]);
    }

    /// <summary>Some read at most so many bytes of a line, and then come back to the same event for ever.</summary>
    [Fact]
    public async Task No_line_of_the_defaults_is_longer_than_64_KiB()
    {
        await using var host = await EventsHost.StartAsync(redis);
        var topics = Enumerable.Range(0, 64).Select(i => $"{i:00}{new string('t', 98)}").ToArray();
        using var client = await StreamClient.OpenAsync(host.Client, "/events?" + string.Join('&', topics.Select(topic => "topic=" + topic)));
        var largest = new string('x', 65_529);

        using var published = await host.PublishAsync(topics[0], largest, $"?event={Uri.EscapeDataString(new string('漢', 200))}");
        using var tooLarge = await host.PublishAsync(topics[0], largest + 'x');

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.RequestEntityTooLarge), (published.StatusCode, tooLarge.StatusCode));
        var text = await client.ReadUntilAsync("x\n\n");
        Assert.Equal(LongestLine, text.Split('\n').Max(line => Encoding.UTF8.GetByteCount(line) + 1));
    }

    /// <summary>Reads a few of them after the text.</summary>
    private static async Task HeartbeatsAsync(StreamClient client, string text) =>
        await client.ReadBytesAsync(Encoding.UTF8.GetByteCount(await client.ReadUntilAsync(text)) + 6);

    [GeneratedRegex("^(:\n)*retry: [0-9]+\n$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex End();
}
