using System.Buffers;
using System.IO.Pipelines;
using System.Text.Encodings.Web;
using SseApp.Events.Log;

namespace SseApp.Events.TopicApi;

/// <summary>
/// Writes a history as its entries come:
/// <c>{"topic","epoch","firstOffset","lastOffset","events":[{"offset","id","event","data","publishedAt"}]}</c>, or each event on a
/// line of its own. An entry that cannot be read has <c>error</c> in place of the last three.
/// </summary>
internal sealed class HistoryWriter : IDisposable
{
    private const int FlushBytes = 16 * 1024;
    private const int PieceBytes = 16 * 1024;

    // Quotation marks in two bytes instead of six. What it leaves as it is matters within HTML, which JSON that is not sniffed is not.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly bool _lines;
    private readonly PipeWriter _output;
    private readonly Utf8JsonWriter _json;
    private readonly TopicSet _alone;
    private readonly CancellationToken _left;
    private long _unflushed;
    private long _counted;

    public HistoryWriter(string topic, bool lines, PipeWriter output, CancellationToken left)
    {
        _lines = lines;
        _output = output;
        _left = left;
        _alone = TopicSet.Of(topic);
        _json = new Utf8JsonWriter(output, s_options);
    }

    /// <param name="range">Of the log whose events follow.</param>
    public void Begin(HistoryRange range)
    {
        if (_lines)
        {
            return;
        }

        var exists = range.Epoch != default;
        _json.WriteStartObject();
        _json.WriteString("topic"u8, _alone.Names[0]);
        _json.WriteString("epoch"u8, exists ? range.Epoch.ToString() : null);
        _json.WriteNumber("firstOffset"u8, exists ? range.First : 0);
        _json.WriteNumber("lastOffset"u8, range.End.Position.Offset);
        _json.WriteStartArray("events"u8);
    }

    /// <summary>Waits until the client has taken most of what was written.</summary>
    public async ValueTask WriteAsync(LogEntry entry)
    {
        Write(entry);
        _json.Flush();
        _unflushed += _json.BytesCommitted - _counted;
        _counted = _json.BytesCommitted;
        if (_lines)
        {
            _output.Write("\n"u8);
            _json.Reset();
            _counted = 0;
        }

        if (_unflushed >= FlushBytes)
        {
            await FlushAsync();
        }
    }

    public ValueTask EndAsync()
    {
        if (!_lines)
        {
            _json.WriteEndArray();
            _json.WriteEndObject();
        }

        return FlushAsync();
    }

    public void Dispose() => _json.Dispose();

    private async ValueTask FlushAsync()
    {
        _json.Flush();
        _unflushed = 0;
        await _output.FlushAsync(_left);
    }

    private void Write(LogEntry entry)
    {
        _json.WriteStartObject();
        _json.WriteNumber("offset"u8, entry.Position.Offset);
        _json.WriteString("id"u8, PositionCodec.Encode(_alone, [entry.Position]));
        if (entry.GapReason is not null)
        {
            _json.WriteString("error"u8, entry.After < entry.Position.Offset - 1
                ? string.Create(CultureInfo.InvariantCulture, $"The events {entry.After + 1} to {entry.Position.Offset} are lost.")
                : "There is no event at this offset: it is lost, or what the log holds there is none.");
        }
        else
        {
            WriteEvent(entry);
        }

        _json.WriteEndObject();
    }

    private void WriteEvent(LogEntry entry)
    {
        var room = ArrayPool<byte>.Shared.Rent(entry.Block.Length);
        try
        {
            var (type, length) = SseEncoder.Decode(entry.Block.Span, room);
            _json.WriteString("event"u8, type);
            _json.WritePropertyName("data"u8);
            // In pieces: the writer makes room for six times of what it gets at once.
            var rest = room.AsSpan(0, length);
            for (; rest.Length > PieceBytes; rest = rest[PieceBytes..])
            {
                _json.WriteStringValueSegment(rest[..PieceBytes], isFinalSegment: false);
            }

            _json.WriteStringValueSegment(rest, isFinalSegment: true);
            _json.WriteString("publishedAt"u8, DateTimeOffset.UnixEpoch.AddTicks(entry.PublishedAtMicroseconds * TimeSpan.TicksPerMicrosecond));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }
}
