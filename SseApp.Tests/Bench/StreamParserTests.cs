using SseApp.Bench.Generator;
using StreamClient = SseApp.Bench.Generator.StreamClient;

namespace SseApp.Tests.Bench;

/// <summary>A comparison is worth what its counting is worth: no loss may hide, whatever the framing.</summary>
public sealed class StreamParserTests
{
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";

    [Fact]
    public void Every_event_is_read_once_however_the_response_is_framed_and_cut() =>
        Gen.Select(Gen.Int[1, 60], Gen.Bool, Gen.Int[1, 400].Array[1, 20], Gen.Int[1, 300].Array[1, 20]).Sample((events, chunked, chunks, reads) =>
        {
            var body = string.Concat(Enumerable.Range(1, events).Select(Event));
            var stream = new StreamClient(0, 1);
            var tally = new Tally();
            Feed(stream, tally, Response(body, chunked ? chunks : null), reads);

            Assert.Equal(200, stream.Status);
            Assert.Equal(chunked ? ResponsePart.Ended : ResponsePart.Body, stream.Part);
            Assert.Equal(events, tally.Delivered);
            Assert.Equal(events, stream.Last[0]);
            Assert.Equal($"id-{events}", stream.LastEventId);
            Assert.Equal(1234, stream.Retry);
            Assert.Equal((0, 0), (tally.Duplicates, tally.Reordered));
        });

    [Theory]
    [InlineData("1 2 3 4", 0, 0, 0)]
    [InlineData("1 4", 2, 0, 0)]
    [InlineData("1 2", 2, 0, 0)]
    [InlineData("", 4, 0, 0)]
    [InlineData("1 2 2 3 4", 0, 1, 0)]
    [InlineData("1 3 2 4", 0, 0, 1)]
    [InlineData("1 4 2 2", 1, 1, 1)]
    public void Lost_duplicate_and_reordered_events_are_distinguished(string arrivals, int lost, int duplicates, int reordered)
    {
        var lane = new Lane(0, 0);
        for (var i = 0; i < 4; i++)
        {
            lane.Next();
        }

        var stream = new StreamClient(0, 1);
        var tally = new Tally();
        var numbers = arrivals.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => int.Parse(number, CultureInfo.InvariantCulture));
        Feed(stream, tally, Response(string.Concat(numbers.Select(Event)), null), [10_000]);

        Assert.Equal((lost, duplicates, reordered), ((int)stream.CountLost(lane), (int)tally.Duplicates, (int)tally.Reordered));
    }

    [Fact]
    public void An_event_that_the_server_did_not_confirm_is_not_lost_when_it_does_not_come()
    {
        var lane = new Lane(0, 0);
        lane.NotAcknowledged(lane.Next());
        lane.Next();
        lane.NotAcknowledged(lane.Next());
        var stream = new StreamClient(0, 1);
        var tally = new Tally();
        Feed(stream, tally, Response(Event(2), null), [10_000]);

        Assert.Equal(0, stream.CountLost(lane));
    }

    private static string Event(int number) => $"id: id-{number}\ndata: {Payload.Create(0, number, 60)}\n\n";

    private static byte[] Response(string body, int[]? chunks)
    {
        body = $"retry: 1234\nevent: stream.open\ndata: {{\"connection\":\"1;1;1;\"}}\n\n{body}";
        if (chunks is null)
        {
            return Encoding.ASCII.GetBytes($"{Head}\r\n{body}");
        }

        var response = new StringBuilder($"{Head}Transfer-Encoding: chunked\r\n\r\n");
        for (var (offset, i) = (0, 0); offset < body.Length; i++)
        {
            var chunk = body.AsSpan(offset, Math.Min(chunks[i % chunks.Length], body.Length - offset));
            response.Append(CultureInfo.InvariantCulture, $"{chunk.Length:x}\r\n{chunk}\r\n");
            offset += chunk.Length;
        }

        return Encoding.ASCII.GetBytes(response.Append("0\r\n\r\n").ToString());
    }

    private static void Feed(StreamClient stream, Tally tally, byte[] response, int[] reads)
    {
        var parser = new StreamParser(tally, keepIds: true);
        for (var (offset, i) = (0, 0); offset < response.Length; i++)
        {
            var count = Math.Min(reads[i % reads.Length], response.Length - offset);
            parser.Feed(stream, response.AsSpan(offset, count), Payload.Now);
            offset += count;
        }
    }
}
