using System.Text;
using CsCheck;
using SseApp.Gateway.AccessLog;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Gateway.AccessLog;

public sealed class EventCounterTests
{
    private static readonly string[] s_parts = ["data", "data:", "data: x", "id: 1", "event: e", ":", "dat", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n"];

    [Theory]
    [InlineData("data: a\n\n", 1)]
    [InlineData("data\r\rdata:\r\n\r\n", 2)]
    [InlineData(": comment\n\nid: 1\n\nevent: x\n\n", 0)]
    [InlineData("datum: a\n\nxdata: b\n\n", 0)]
    [InlineData("data: a\ndata: b\n\n\n\n", 1)]
    [InlineData("data: a\n", 0)]
    public void Events_are_counted_as_a_browser_dispatches_them(string text, int events) => Assert.Equal(events, Count(text, text.Length));

    [Fact]
    public void However_the_bytes_are_cut_the_count_is_that_of_a_parser() =>
        Gen.Select(Gen.Int[0, s_parts.Length - 1].Select(index => s_parts[index]).Array[0, 40], Gen.Int[1, 9])
            .Sample((parts, size) =>
            {
                var text = string.Concat(parts);
                var parsed = new SseParser().Feed(Encoding.UTF8.GetBytes(text)).Count(parsedEvent => parsedEvent.Type != ":");
                Assert.Equal(parsed, Count(text, size));
            });

    private static long Count(string text, int size)
    {
        var counter = new EventCounter();
        foreach (var chunk in Encoding.UTF8.GetBytes(text).Chunk(Math.Max(1, size)))
        {
            counter.Add(chunk);
        }

        return counter.Events;
    }
}
