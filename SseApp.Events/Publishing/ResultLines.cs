using System.Buffers;
using System.Text.Unicode;
using SseApp.Events.Log;

namespace SseApp.Events.Publishing;

/// <summary>The lines of results of one write, with room before them for the header of a <see cref="PublishFrame"/>.</summary>
internal sealed class ResultLines : IBufferWriter<byte>, IDisposable
{
    // What a line has beside the topic: names, numbers, and the id.
    private const int BytesOfLine = 256;

    private readonly Utf8JsonWriter _json;
    private byte[] _bytes;
    private int _end = PublishFrame.HeaderLength;

    public ResultLines(int capacity)
    {
        _bytes = new byte[PublishFrame.HeaderLength + capacity];
        _json = new Utf8JsonWriter(this);
    }

    public int Length => _end - PublishFrame.HeaderLength;

    public ReadOnlyMemory<byte> Lines => _bytes.AsMemory(PublishFrame.HeaderLength, Length);

    /// <summary>The lines as a frame, and what else the gateway is told.</summary>
    /// <param name="settled">What is done.</param>
    /// <param name="last">No more comes.</param>
    public ReadOnlyMemory<byte> Frames(in PublishSettled settled, bool last)
    {
        var start = Length == 0 ? PublishFrame.HeaderLength : 0;
        PublishFrame.WriteHeader(_bytes, PublishFrameKind.Lines, Length);
        PublishFrame.WriteHeader(GetSpan(PublishFrame.HeaderLength), PublishFrameKind.Settled, PublishSettled.Length);
        Advance(PublishFrame.HeaderLength);
        settled.Write(GetSpan(PublishSettled.Length));
        Advance(PublishSettled.Length);
        if (last)
        {
            PublishFrame.WriteHeader(GetSpan(PublishFrame.HeaderLength), PublishFrameKind.End, 0);
            Advance(PublishFrame.HeaderLength);
        }

        return _bytes.AsMemory(start, _end - start);
    }

    public void Clear() => _end = PublishFrame.HeaderLength;

    /// <summary>Of a line that was stored on its one topic, as nearly all are.</summary>
    public void AddStored(long line, string topic, in AppendResult stored)
    {
        var span = GetSpan(BytesOfLine + topic.Length);
        Utf8.TryWrite(
            span,
            CultureInfo.InvariantCulture,
            $"{{\"line\":{line},\"status\":{(stored.Repeated ? StatusCodes.Status200OK : StatusCodes.Status201Created)},\"events\":[{{\"topic\":\"{topic}\",\"epoch\":\"{stored.Position.Epoch.Value:x16}\",\"offset\":{stored.Position.Offset},\"id\":\"",
            out var length);
        length += PositionCodec.Encode(TopicSet.Of(topic), [stored.Position], span[length..]);
        "\"}]}\n"u8.CopyTo(span[length..]);
        Advance(length + 5);
    }

    public void Add(long line, BatchItemResult result)
    {
        Begin();
        _json.WriteNumber("line"u8, line);
        _json.WriteNumber("status"u8, result.Status);
        _json.WriteStartArray("events"u8);
        foreach (var stored in result.Events)
        {
            JsonSerializer.Serialize(_json, stored, PublishingJsonContext.Default.PublishedEvent);
        }

        _json.WriteEndArray();
        WriteText("error", result.Error);
        WriteText("outcome", result.Outcome);
        WriteText("reason", result.Reason);
        End();
    }

    /// <summary>The last line.</summary>
    /// <param name="end">Why the stream ends.</param>
    /// <param name="stored">Lines before it without an error.</param>
    /// <param name="failed">The others.</param>
    public void Add(StreamEnd end, long stored, long failed)
    {
        Begin();
        _json.WriteString("end"u8, end.Reason);
        WriteText("detail", end.Detail);
        _json.WriteNumber("lines"u8, stored + failed);
        _json.WriteNumber("stored"u8, stored);
        _json.WriteNumber("failed"u8, failed);
        if (end.RetryAfter is { } after)
        {
            _json.WriteNumber("retryAfterMs"u8, (long)after.TotalMilliseconds);
        }

        End();
    }

    public void Advance(int count) => _end += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(_end);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(_end);
    }

    public void Dispose() => _json.Dispose();

    private void Begin()
    {
        _json.Reset();
        _json.WriteStartObject();
    }

    private void WriteText(string name, string? text)
    {
        if (text is not null)
        {
            _json.WriteString(name, text);
        }
    }

    private void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        GetSpan(1)[0] = (byte)'\n';
        Advance(1);
    }

    private void Reserve(int size)
    {
        var needed = _end + Math.Max(size, 1);
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
        }
    }
}

/// <summary>Why a stream of publishes ends.</summary>
/// <param name="Reason">For programs: a <see cref="PublishStreamEnd"/>, or an <c>AuthReason</c>.</param>
/// <param name="Detail">For people.</param>
/// <param name="RetryAfter">When its client may go on with another one.</param>
internal sealed record StreamEnd(string Reason, string? Detail = null, TimeSpan? RetryAfter = null)
{
    public static readonly StreamEnd Complete = new(PublishStreamEnd.Complete);

    /// <summary>Of those that are to come back, at different moments.</summary>
    public static StreamEnd Later(string reason, string detail) => new(reason, detail, TimeSpan.FromMilliseconds(Random.Shared.Next(500, 2_000)));
}
