using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.Events.Publishing;
using SseApp.ServiceDefaults.Defaults.Memory;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.Events.Publishing;

/// <summary>What a batch costs while it is read, in bytes that the reading thread allocates, and that it is cut into the right items wherever its pieces end.</summary>
public sealed class BatchReadingTests : IDisposable
{
    private const int MiB = 1024 * 1024;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly EventPublisher _publisher;
    private readonly RequestBudget _budget;

    public BatchReadingTests()
    {
        var meter = new SseMeter(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>());
        _budget = new RequestBudget(Options.Create(new MemoryOptions { RequestBudget = new ByteSize(64L * MiB) }), meter);
        _publisher = new EventPublisher(new ScriptedTopicLog(1), new EventsMetrics(meter, TimeProvider.System), Options.Create(new PublishingOptions()));
    }

    [Fact]
    public void An_array_of_millions_of_items_is_refused_at_the_first_too_many_and_costs_next_to_nothing()
    {
        var body = Encoding.ASCII.GetBytes("[" + string.Concat(Enumerable.Repeat("0,", 8 * MiB)) + "0]");

        var (refusal, _, read, allocated, peak) = Read(body);

        Assert.Contains("1000 items", refusal?.Detail, StringComparison.Ordinal);
        Assert.InRange(read, 1, 16 * 1024);
        Assert.InRange(allocated, 0, 2 * MiB);
        Assert.InRange(peak, 0, MiB);
    }

    [Fact]
    public void One_item_on_several_lines_is_told_that_each_line_is_one()
    {
        var (_, entries, _, _, _) = Read("{\n  \"topic\": \"a\",\n  \"data\": \"x\"\n}\n"u8.ToArray());

        Assert.All(entries, entry => Assert.Equal(400, entry.Rejected?.Status));
        Assert.Contains("each line of the body is an item of its own", entries[0].Rejected?.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"topic\":\"a\",\"data\":[", "0,", "0]}")]
    [InlineData("{\"topic\":\"a\",\"data\":\"", "x", "\"}")]
    [InlineData("{\"topic\":\"a\",\"data\":\"", "\\n", "\"}")]
    [InlineData("{\"topic\":\"a\",\"data\":1", "1", "}")]
    [InlineData("{\"topic\":\"a\",\"data\":", "[", "")]
    [InlineData("{\"topics\":[\"a\"", ",\"a\"", "],\"data\":1}")]
    [InlineData("{\"topic\":\"a\"", " ", "}")]
    [InlineData("", "x", "")]
    public void An_item_of_sixteen_megabytes_is_not_kept_and_harms_no_other(string start, string repeated, string end)
    {
        var large = start + string.Concat(Enumerable.Repeat(repeated, 16 * MiB / repeated.Length)) + end;
        const string Good = """{"topic":"a","data":"good"}""";

        var (refusal, entries, _, allocated, peak) = Read(Encoding.ASCII.GetBytes($"{Good}\n{large}\n{Good}"));

        Assert.Null(refusal);
        Assert.Equal([201, 413, 201], entries.Select(entry => entry.Rejected?.Status ?? 201));
        Assert.InRange(allocated, 0, 4 * MiB);
        Assert.InRange(peak, 0, 2 * MiB);
        if (end.Length > 0)
        {
            (refusal, entries, _, _, peak) = Read(Encoding.ASCII.GetBytes($"[{Good},{large},{Good}]"));
            Assert.Null(refusal);
            Assert.Equal([201, 413, 201], entries.Select(entry => entry.Rejected?.Status ?? 201));
            Assert.InRange(peak, 0, 2 * MiB);
        }
    }

    [Fact]
    public void Wide_objects_cost_no_more_than_others()
    {
        var wide = string.Join(',', Enumerable.Range(0, 4_000).Select(i => $"\"{i}\":{{}}"));
        var body = Encoding.ASCII.GetBytes("[" + string.Join(',', Enumerable.Repeat($"{{\"topic\":\"a\",\"data\":{{{wide}}}}}", 200)) + "]");

        var (refusal, entries, _, allocated, _) = Read(body);

        Assert.Null(refusal);
        Assert.All(entries, entry => Assert.Null(entry.Rejected));
        Assert.InRange(allocated, 0, 3L * body.Length);
    }

    [Theory]
    [InlineData(1, 65_000, 240)]
    [InlineData(64, 65_000, 3)]
    [InlineData(1, 16_000, 1_000)]
    [InlineData(64, 1_000, 200)]
    public void A_batch_takes_at_most_three_times_its_body_and_one_block_for_all_topics(int topics, int bytes, int items)
    {
        var names = string.Join(',', Enumerable.Range(0, topics).Select(i => $"\"t{i}\""));
        var item = $$"""{"topics":[{{names}}],"data":"{{new string('x', bytes)}}"}""";
        var body = Encoding.ASCII.GetBytes(string.Join('\n', Enumerable.Repeat(item, items)));

        var (refusal, entries, _, allocated, _) = Read(body);

        Assert.Null(refusal);
        Assert.Equal(items, entries.Count);
        Assert.All(entries, entry => Assert.Equal((topics, bytes + 8), (entry.Topics.Length, entry.Block.Length)));
        Assert.True(allocated <= 3L * body.Length, $"{allocated} bytes for a body of {body.Length}");
    }

    [Fact]
    public void What_a_batch_stores_counts_once_for_each_topic()
    {
        var item = $$"""{"topics":["a","b","c"],"data":"{{new string('x', 992)}}"}""";

        Assert.Null(Read(Encoding.ASCII.GetBytes($"{item}\n{item}"), maxBatchBytes: 6_000).Refusal);
        Assert.Equal(413, Read(Encoding.ASCII.GetBytes($"{item}\n{item}"), maxBatchBytes: 5_999).Refusal?.Status);
        // Line ends become lines of their own.
        var lines = $$"""{"topic":"a","data":"{{string.Concat(Enumerable.Repeat("\\n", 1_000))}}"}""";
        Assert.Equal(413, Read(Encoding.ASCII.GetBytes(lines), maxBatchBytes: 6_000).Refusal?.Status);
    }

    [Fact]
    public void Pieces_may_end_anywhere()
    {
        string[] parts =
        [
            "[", "]", ",", " ", "\n", "\r\n", "\u00EF\u00BB\u00BF", "\u00EF", "\u00EF\u00BB", "{\"topic\":\"a\",\"data\":\"x\"}", "{\"topic\":\"a\",\"data\":\"\\\\\\\"]},\"}", "{\"topic\":\"a\",\"data\":[{},[1,\"]\"]]}",
            "7", "nonsense", "\"", "\\", "{", "}", "\0",
        ];
        var body = Gen.Int[0, parts.Length - 1].Select(i => parts[i]).Array[0, 8].Select(chosen => Encoding.Latin1.GetBytes(string.Concat(chosen)));
        Gen.Select(body, Gen.Int[1, 9], Gen.Bool).Sample(
            (bytes, piece, array) =>
            {
                byte[] whole = array ? [(byte)'[', .. bytes, (byte)']'] : bytes;
                var (expected, actual) = (Describe(Read(whole, piece: int.MaxValue)), Describe(Read(whole, piece: piece)));
                Assert.Equal(expected, actual);
            },
            iter: 3_000);
    }

    /// <summary>An array is taken exactly when a JSON parser takes it, with the parser's elements.</summary>
    [Fact]
    public void An_array_is_one_exactly_when_it_is_JSON()
    {
        string[] parts = ["[", "]", ",", " ", "{", "}", "\"", "\\", ":", "\"a\"", "1", "null", "[]", "{}", "{\"a\":[1,\"]\"]}", "\"\\\"\"", "x"];
        Gen.Int[0, parts.Length - 1].Select(i => parts[i]).Array[0, 7].Sample(
            chosen =>
            {
                var body = Encoding.ASCII.GetBytes("[" + string.Concat(chosen) + "]");
                var (refusal, entries, _, _, _) = Read(body);
                try
                {
                    using var document = JsonDocument.Parse(body);
                    Assert.Null(refusal);
                    Assert.Equal(document.RootElement.GetArrayLength(), entries.Count);
                }
                catch (JsonException)
                {
                    Assert.Equal(400, refusal?.Status);
                }
            },
            iter: 20_000);
    }

    public void Dispose() => _services.Dispose();

    private static string Describe((BatchRefusal? Refusal, List<BatchEntry> Entries, int Read, long Allocated, long Peak) result) =>
        $"{result.Refusal?.Status}: {string.Join(' ', result.Entries.Select(entry => entry.Rejected is null ? Encoding.UTF8.GetString(entry.Block.Span) : entry.Rejected.Status.ToString(CultureInfo.InvariantCulture)))}";

    private (BatchRefusal? Refusal, List<BatchEntry> Entries, int Read, long Allocated, long Peak) Read(byte[] body, int piece = 4096, int maxBatchBytes = 16 * MiB)
    {
        var options = new PublishingOptions { MaxBatchBytes = maxBatchBytes };
        using var memory = _budget.OpenLarge();
        using var batch = new Batch(options, _publisher, memory);
        using var splitter = new BatchSplitter(BatchItemReader.MaxBytes(options.MaxEventBytes), memory, batch);
        var before = GC.GetAllocatedBytesForCurrentThread();
        BatchRefusal? refusal = null;
        var (read, peak) = (0, 0L);
        while (read < body.Length && refusal is null)
        {
            var part = body.AsSpan(read, Math.Min(piece, body.Length - read));
            refusal = splitter.Add(part);
            read += part.Length;
            peak = Math.Max(peak, _budget.Used);
        }

        refusal ??= splitter.Finish();
        return (refusal, batch.Entries, read, GC.GetAllocatedBytesForCurrentThread() - before, peak);
    }
}
