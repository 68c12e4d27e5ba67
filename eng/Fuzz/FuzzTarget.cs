using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.Events.Publishing;
using SseApp.Events.Streams;
using SseApp.ServiceDefaults.Cluster.Protocol;
using SseApp.ServiceDefaults.Cluster.Relay;
using SseApp.ServiceDefaults.Cluster.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Http;
using SseApp.ServiceDefaults.Defaults.Keys;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Fuzz;

/// <summary>
/// Something that reads bytes which others made. Whatever they are, it may refuse them in the way that its caller expects;
/// any other exception, or a broken rule of its own, is a fault.
/// </summary>
/// <param name="Read">Reads one input; throws if a rule is broken.</param>
/// <param name="Words">What inputs are made of, beside bytes.</param>
internal sealed record FuzzTarget(Action<byte[]> Read, IReadOnlyList<byte[]> Words)
{
    public static readonly IReadOnlyDictionary<string, FuzzTarget> All = new SortedDictionary<string, FuzzTarget>(StringComparer.Ordinal)
    {
        ["batch"] = new(ReadBatch, Ascii("{\"topic\":\"a\",\"data\":", "\"topics\":[", "\"event\":\"", "\"idempotencyKey\":", "\"key\":", "null", "[", "]", "}", ",", "\n", "\\ud800", "\\u0000")),
        ["lines"] = new(ReadLines, Ascii("{\"topic\":\"a\",\"data\":", "\"topics\":[", "\"x\"}", "\n", "\r\n", " ", "[", "null", "\\ud800")),
        ["log-entry"] = new(ReadLogEntry, Ascii("2 ", "00000000000000ff ", "9223372036854775807", "\n", "data: ", "event: ")),
        ["logged-url"] = new(ReadUrl, Ascii("://", "?", "&", "token=", "%26", "%3f", ";", "@", "#", "topic=")),
        ["origin"] = new(ReadOrigin, Ascii("http://", "https://", "localhost", ":80", "[::1]", "null", "xn--", "@")),
        ["position"] = new(ReadPosition, []),
        ["query"] = new(ReadQuery, Ascii("topic=", "&", "lastEventId=", "history=", "earliest", "%00", "%2F", "..", "+")),
        ["registry"] = new(ReadRecord, Ascii("{\"id\":", "\"address\":\"http://a/\"", "\"state\":\"ready\"", "\"weight\":", "\"startedAt\":\"2026-01-01T00:00:00Z\"", "null", "1e400", ",", "}")),
        ["relay-to-gateway"] = new(input => ReadRelay(input, toReplica: false), [[6, 0, 0, 0, 17], [9, 0, 0, 0, 18], [1, 0, 0, 0, 19], [13, 0, 0, 0, 16]]),
        ["relay-to-replica"] = new(input => ReadRelay(input, toReplica: true), [[17, 0, 0, 0, 1], [5, 0, 0, 0, 2], [1, 0, 0, 0, 5], [9, 0, 0, 0, 6]]),
        ["sse"] = new(ReadEvent, Ascii("\r", "\n", "\r\n", "data: ", "id: ", "\n\n")),
    };

    private static readonly SearchValues<char> s_hostCharacters =
        SearchValues.Create("!$&'()*+,-.0123456789:;=ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~%");

    private static readonly PublishingOptions s_publishing = new();
    private static readonly Lazy<SseMeter> s_meter = new(() => new SseMeter(new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>()));
    private static readonly Lazy<RequestBudget> s_budget = new(() => new RequestBudget(Options.Create(new MemoryOptions()), s_meter.Value));

    // Nothing is published, so there is no log.
    private static readonly Lazy<EventPublisher> s_publisher = new(
        () => new EventPublisher(null!, new EventsMetrics(s_meter.Value, TimeProvider.System), Options.Create(s_publishing)));
    private static readonly RecordSignature s_signature = new(new GatewayKeys(new byte[KeyText.Length]), TimeProvider.System);

    private static IReadOnlyList<byte[]> Ascii(params string[] words) => [.. words.Select(Encoding.ASCII.GetBytes)];

    private static void Require(bool condition, string rule)
    {
        if (!condition)
        {
            throw new InvalidOperationException(rule);
        }
    }

    // Wherever the pieces end that a body comes in, it has the same items.
    private static void ReadBatch(byte[] input)
    {
        var whole = ReadBatch(input, input.Length);
        var pieces = ReadBatch(input, 1 + (input.Length / 3));
        Require(whole == pieces, $"Batches differ: {whole} in one piece, {pieces} in several.");
    }

    private static (int? Refused, int Items, int Good) ReadBatch(byte[] input, int piece)
    {
        using var memory = s_budget.Value.OpenLarge();
        using var batch = new Batch(s_publishing, s_publisher.Value, memory);
        using var splitter = new BatchSplitter(BatchItemReader.MaxBytes(s_publishing.MaxEventBytes), memory, batch);
        BatchRefusal? refusal = null;
        for (var read = 0; read < input.Length && refusal is null; read += piece)
        {
            refusal = splitter.Add(input.AsSpan(read, Math.Min(piece, input.Length - read)));
        }

        refusal ??= splitter.Finish();
        Require(batch.Entries.Count <= s_publishing.MaxBatchItems, "A batch has at most as many items as are allowed.");
        Require(batch.Entries.TrueForAll(entry => entry.Rejected is not null || entry.Topics.Length > 0), "An item has topics, or is rejected.");
        return refusal is null ? (null, batch.Entries.Count, batch.Entries.Count(entry => entry.Rejected is null)) : (refusal.Status, 0, 0);
    }

    // As of batches; what is kept of a line is given back.
    private static void ReadLines(byte[] input)
    {
        var whole = ReadLines(input, input.Length);
        var pieces = ReadLines(input, 1 + (input.Length / 3));
        Require(whole.SequenceEqual(pieces), $"Streams differ: {string.Join(' ', whole)} in one piece, {string.Join(' ', pieces)} in several.");
    }

    private static List<int> ReadLines(byte[] input, int piece)
    {
        using var memory = s_budget.Value.OpenLarge();
        using var splitter = new LineSplitter(BatchItemReader.MaxBytes(s_publishing.MaxEventBytes), memory);
        using var encoder = new ItemEncoder(s_publishing, s_publisher.Value, memory);
        List<int> lengths = [];
        for (var read = 0; read < input.Length; read += piece)
        {
            var rest = new ReadOnlySequence<byte>(input, read, Math.Min(piece, input.Length - read));
            while (splitter.Next(ref rest, out var line) is var found and not FoundLine.None)
            {
                lengths.Add(Take(found, line));
            }
        }

        if (splitter.Finish(out var last) is var end and not FoundLine.None)
        {
            lengths.Add(Take(end, last));
        }

        return lengths;

        int Take(FoundLine found, ReadOnlyMemory<byte> line)
        {
            Require(found != FoundLine.NoMemory, "There is memory for a line.");
            if (found == FoundLine.TooLong || encoder.Read(line.Span) is not null || !encoder.TryPrepare(line, out var broken) || broken is not null)
            {
                return -line.Length;
            }

            var entry = encoder.Encode();
            Require(entry.Topics.Length > 0 && entry.Block.Length == encoder.Length, "A line that is published has topics, and is as long as was said.");
            return entry.Block.Length;
        }
    }

    private static void ReadLogEntry(byte[] input)
    {
        if (LogEntry.Parse(input) is not { Position.Offset: > 0 } entry)
        {
            return;
        }

        var data = new byte[entry.Block.Length];
        var (type, length) = SseEncoder.Decode(entry.Block.Span, data);
        Require(EventPublisher.Validate(type, data.AsSpan(0, length), null, entry.Key) is null, "What reaches a client could have been published.");
        Require(
            SseEncoder.Encode(type == EventType.Default ? null : type, data.AsSpan(0, length)).AsSpan().SequenceEqual(entry.Block.Span),
            "A block is one event as a publisher stores it.");
    }

    private static void ReadUrl(byte[] input)
    {
        var url = Encoding.Latin1.GetString(input);
        var shown = LoggedUrl.Url(url);
        Require(LoggedUrl.Url(shown).Length > 0 == shown.Length > 0, "What may be shown can be read again.");
        LoggedUrl.Referer(url);
    }

    private static void ReadOrigin(byte[] input)
    {
        var text = Encoding.Latin1.GetString(input).Split('\n');
        if (text[0].AsSpan().ContainsAnyExcept(s_hostCharacters))
        {
            // The server refuses it before anybody reads it.
            return;
        }

        var http = new DefaultHttpContext();
        http.Request.Method = HttpMethods.Post;
        http.Request.Scheme = "http";
        http.Request.Headers.Host = text[0];
        try
        {
            _ = http.Request.Host;
        }
        catch (ArgumentException)
        {
            // Punycode that is none; see HostNames.
            return;
        }

        http.Request.Headers.Origin = text.Length > 1 ? text[1] : null;
        http.Request.Headers["Sec-Fetch-Site"] = text.Length > 2 ? text[2] : null;
        PageOrigin.IsForeign(http.Request, ["https://example.org"]);
        HeaderText.Readable(text[0]);
    }

    private static void ReadPosition(byte[] input)
    {
        var topics = new TopicSet(Enumerable.Range(0, input.Length > 0 ? 1 + (input[0] % 64) : 1).Select(number => $"t{number}"));
        var positions = new MarkedPosition[topics.Count];
        if (PositionCodec.TryDecode(Encoding.Latin1.GetString(input.AsSpan(Math.Min(1, input.Length))), topics, positions))
        {
            Require(positions.All(position => position.Offset >= 0), "An offset is not negative.");
        }
    }

    private static void ReadQuery(byte[] input)
    {
        var text = Encoding.Latin1.GetString(input).Split('\n');
        var query = new QueryCollection(QueryHelpers.ParseQuery(text[0]));
        var names = query["topic"];
        if (names.Count == 0 || !names.All(TopicName.IsValid))
        {
            return;
        }

        var headers = new HeaderDictionary { ["Last-Event-ID"] = text.Length > 1 ? text[1] : null };
        var topics = new TopicSet(names!);
        var (start, rule) = ResumePointParser.Parse(headers, query, topics);
        Require(rule is not null || start.Positions is null || start.Positions.Length == topics.Count, "A position names all topics of the stream.");
    }

    private static void ReadRecord(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        Require(s_signature.Verify("record", "place", text, out _) is null, "Nobody makes a signature without the key.");
        try
        {
            JsonSerializer.Deserialize(input, ReplicaJsonContext.Default.ReplicaRecord);
            JsonSerializer.Deserialize(input, ReplicaJsonContext.Default.ReplicaCommand);
        }
        catch (JsonException)
        {
            // How the registry expects it.
        }
    }

    // The same bytes in pieces have to be the same frames, or the same fault.
    private static void ReadRelay(byte[] input, bool toReplica)
    {
        var whole = new FrameReader(toReplica).Feed(input, input.Length);
        var pieces = new FrameReader(toReplica).Feed(input, 1 + (input.Length / 3));
        Require(whole == pieces, $"Frames differ: {whole} in one piece, {pieces} in several.");
    }

    private static void ReadEvent(byte[] input)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(input);
        }
        catch (DecoderFallbackException)
        {
            return;
        }

        var (type, data) = SseEncoder.Decode(SseEncoder.Encode("t", input));
        Require(type == "t" && data == text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n'), "An event is read back as it was written.");
    }

    /// <summary>Reads frames as the two ends do, and counts what it got.</summary>
    private sealed class FrameReader(bool toReplica) : IRelayFrameHandler
    {
        private int _frames;
        private int _fields;

        public (int Frames, int Fields, bool Broken) Feed(ReadOnlySpan<byte> bytes, int piece)
        {
            try
            {
                var (start, end) = (0, 0);
                while (end < bytes.Length)
                {
                    end = Math.Min(bytes.Length, end + Math.Max(1, piece));
                    start += RelayInput.Handle(bytes[start..end], this, out _);
                }

                return (_frames, _fields, false);
            }
            catch (RelayProtocolException)
            {
                return (_frames, _fields, true);
            }
        }

        public int MaxLength(RelayFrameType type) =>
            !toReplica && type == RelayFrameType.Data ? RelayProtocol.MaxDataLength : RelayProtocol.MaxControlLength;

        public void OnFrame(RelayFrameType type, ReadOnlySpan<byte> body)
        {
            _frames++;
            switch (type)
            {
                case RelayFrameType.Open when toReplica:
                    _fields += RelayOpen.Read(body).Headers.Count;
                    break;
                case RelayFrameType.Request when toReplica:
                    _fields += RelayRequest.Read(body).Headers.Count;
                    break;
                case RelayFrameType.Answer when !toReplica:
                    _fields += RelayAnswer.Read(body).Headers.Count;
                    break;
                case RelayFrameType.Close or RelayFrameType.Blocked or RelayFrameType.Ready or RelayFrameType.Cancel when toReplica:
                    _fields += RelayHeaders.ReadNumber(ref body);
                    RelayHeaders.ReadEnd(body);
                    break;
                case RelayFrameType.Ping or RelayFrameType.Quiet when toReplica:
                case RelayFrameType.Pong or RelayFrameType.Stopping when !toReplica:
                    RelayHeaders.ReadEnd(body);
                    break;
                case RelayFrameType.Done when toReplica:
                    _fields += (int)RelayHeaders.ReadLong(body);
                    break;
                case RelayFrameType.Head when !toReplica:
                    _fields += RelayHead.Read(body).Headers.Count;
                    break;
                case RelayFrameType.Data when !toReplica:
                    var data = RelayData.Read(body);
                    for (var i = 0; i < data.Count; i++)
                    {
                        _fields += data[i];
                    }

                    break;
                case RelayFrameType.End when !toReplica:
                    _fields += RelayHeaders.ReadNumber(ref body);
                    _fields += RelayHeaders.ReadNumber(ref body);
                    RelayHeaders.ReadEnd(body);
                    break;
                default:
                    throw new RelayProtocolException($"A frame of type {(int)type} does not go this way.");
            }
        }

        public bool OnPause() => false;
    }
}
