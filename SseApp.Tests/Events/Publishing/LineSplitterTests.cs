using System.Buffers;
using System.Diagnostics.Metrics;
using SseApp.Events.Http;
using SseApp.Events.Publishing;
using SseApp.ServiceDefaults.Defaults.Memory;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.Events.Publishing;

/// <summary>A stream is cut into the same lines wherever its pieces end, and holds no memory between them.</summary>
public sealed class LineSplitterTests : IDisposable
{
    private const int MaxBytes = 6;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RequestBudget _budget;

    public LineSplitterTests() => _budget = new RequestBudget(
        Options.Create(new MemoryOptions { RequestBudget = new ByteSize(1 << 20) }), new SseMeter(_services.GetRequiredService<IMeterFactory>()));

    [Fact]
    public void Pieces_may_end_anywhere()
    {
        string[] parts = ["\n", "\r", "\r\n", " ", "\t", "\u00EF\u00BB\u00BF", "\u00EF", "a", "bcd", "1234567", "{}", "\0"];
        var body = Gen.Int[0, parts.Length - 1].Select(i => parts[i]).Array[0, 12].Select(chosen => Encoding.Latin1.GetBytes(string.Concat(chosen)));
        Gen.Select(body, Gen.Int[1, 9].Array[1, 8], Gen.Bool).Sample(
            (bytes, lengths, together) => Assert.Equal(Expected(bytes), Read(bytes, lengths, together)),
            iter: 5_000,
            threads: 1);
    }

    public void Dispose() => _services.Dispose();

    // The rules in their shortest form, on the whole of it.
    private static List<string> Expected(byte[] bytes)
    {
        var lines = new List<string>();
        foreach (var text in Encoding.Latin1.GetString(bytes).Split('\n', '\r'))
        {
            var line = text.TrimStart(' ', '\t');
            if (line.Length > MaxBytes)
            {
                lines.Add("too long");
                continue;
            }

            while (line.StartsWith("\u00EF\u00BB\u00BF", StringComparison.Ordinal))
            {
                line = line[3..].TrimStart(' ', '\t');
            }

            line = line.TrimEnd(' ', '\t');
            if (line.Length > 0)
            {
                lines.Add(line);
            }
        }

        return lines;
    }

    /// <param name="bytes">The body.</param>
    /// <param name="lengths">Of its pieces, again and again.</param>
    /// <param name="together">Whether all pieces come at once, as segments of one buffer.</param>
    private List<string> Read(byte[] bytes, int[] lengths, bool together)
    {
        var lines = new List<string>();
        using (var memory = _budget.OpenLarge())
        {
            using var splitter = new LineSplitter(MaxBytes, memory);
            var pieces = new List<byte[]>();
            for (var (i, at) = (0, 0); at < bytes.Length; i++)
            {
                var length = Math.Min(lengths[i % lengths.Length], bytes.Length - at);
                pieces.Add(bytes[at..(at + length)]);
                at += length;
            }

            foreach (var input in together ? [Segment.Join(pieces)] : pieces.Select(piece => new ReadOnlySequence<byte>(piece)))
            {
                var rest = input;
                while (splitter.Next(ref rest, out var line) is var found and not FoundLine.None)
                {
                    lines.Add(found == FoundLine.TooLong ? "too long" : Encoding.Latin1.GetString(line.Span));
                }

                Assert.True(rest.IsEmpty);
            }

            if (splitter.Finish(out var last) is var end and not FoundLine.None)
            {
                lines.Add(end == FoundLine.TooLong ? "too long" : Encoding.Latin1.GetString(last.Span));
            }

            Assert.False(splitter.HasPart);
        }

        Assert.Equal(0, _budget.Used);
        return lines;
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Join(List<byte[]> pieces)
        {
            Segment? first = null, last = null;
            foreach (var piece in pieces)
            {
                var next = new Segment { Memory = piece, RunningIndex = last is null ? 0 : last.RunningIndex + last.Memory.Length };
                last?.Next = next;
                (first, last) = (first ?? next, next);
            }

            return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
        }
    }
}
