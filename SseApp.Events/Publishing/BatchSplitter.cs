using System.Buffers;
using SseApp.Events.Http;

namespace SseApp.Events.Publishing;

/// <summary>
/// Cuts the body of a batch, a JSON array or NDJSON, into its items while it comes. It keeps one item at a time, and of one
/// that is too long nothing. Not by Utf8JsonReader: that wants each token whole in memory, and a token may be as long as the body.
/// </summary>
/// <param name="maxItemBytes">What is longer is skipped.</param>
/// <param name="memory">Gives the memory for the item that is kept.</param>
/// <param name="items">Gets each item; what it returns, if anything, is why the whole batch is refused.</param>
internal sealed class BatchSplitter(int maxItemBytes, MemoryShare memory, IBatchItems items) : IDisposable
{
    private const int FirstBytes = 4 * 1024;

    private static readonly SearchValues<byte> s_structure = SearchValues.Create("\"[]{},"u8);

    private readonly PooledBuffer _buffer = new(memory);
    private int _start;
    private int _end;

    // Of what is in the buffer everything before it has been looked at.
    private int _scan;
    private State _state = State.Begin;
    private bool _skipping;
    private int _depth;
    private bool _inString;
    private bool _escaped;

    private enum State
    {
        Begin,
        Between,
        Line,
        ArrayBegin,
        ElementBegin,
        Element,
        ArrayEnd,
    }

    // Editors and shells put it before a file, and so into the middle of files that were put together.
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    private ReadOnlySpan<byte> Rest => _buffer.Bytes.AsSpan(_scan, _end - _scan);

    /// <returns>Why the whole batch is refused, or null.</returns>
    public BatchRefusal? Add(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (!TryMakeRoom())
            {
                return BatchRefusal.OfMemory(memory);
            }

            var part = bytes[..Math.Min(bytes.Length, _buffer.Bytes.Length - _end)];
            part.CopyTo(_buffer.Bytes.AsSpan(_end));
            _end += part.Length;
            bytes = bytes[part.Length..];
            if (Run(last: false) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    /// <summary>The body ends here.</summary>
    public BatchRefusal? Finish() => Run(last: true) ?? _state switch
    {
        State.Begin or State.Between when !items.Any => BatchRefusal.OfForm("The body is empty; send a JSON array or one JSON object a line."),
        State.Between or State.ArrayEnd => null,
        State.Line => End(_end),
        _ => BatchRefusal.OfForm("The body is not a JSON array, and nothing of it was stored: it does not end."),
    };

    public void Dispose() => _buffer.Dispose();

    private bool TryMakeRoom()
    {
        if (_end < _buffer.Bytes.Length)
        {
            return true;
        }

        var kept = _end - _start;
        if (kept > maxItemBytes)
        {
            // The start of an item that is not kept.
            (_skipping, _start) = (true, _scan);
            kept = _end - _start;
        }

        if (kept > _buffer.Bytes.Length / 2 || _buffer.Bytes.Length == 0)
        {
            if (!_buffer.TryGrow(Math.Max(FirstBytes, _buffer.Bytes.Length * 2), _buffer.Bytes.AsSpan(_start, kept)))
            {
                return false;
            }
        }
        else
        {
            _buffer.Bytes.AsSpan(_start, kept).CopyTo(_buffer.Bytes);
        }

        _scan -= _start;
        (_start, _end) = (0, kept);
        return true;
    }

    private BatchRefusal? Run(bool last)
    {
        BatchRefusal? refusal = null;
        while (refusal is null && Step(last, ref refusal))
        {
            if (_skipping)
            {
                _start = _scan;
            }
        }

        if (_skipping)
        {
            _start = _scan;
        }

        return refusal;
    }

    /// <returns>False when there is nothing more to do with the bytes that are here.</returns>
    private bool Step(bool last, ref BatchRefusal? refusal)
    {
        switch (_state)
        {
            case State.Begin:
                if (Rest.Length < 4 && !last)
                {
                    return false;
                }

                if (Rest is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] or [0, 0, 0xFE, 0xFF, ..])
                {
                    refusal = BatchRefusal.OfForm("The body begins with the byte order mark of UTF-16 or UTF-32; send UTF-8.");
                }

                _state = State.Between;
                return true;
            case State.Between:
                if (!SkipSpaceAndMarks(last))
                {
                    return false;
                }

                if (Rest[0] == '[' && !items.Any)
                {
                    _start = ++_scan;
                    _state = State.ArrayBegin;
                    return true;
                }

                _state = State.Line;
                refusal = items.Begin();
                return true;
            case State.Line:
                // CR alone ends a line, too: within a JSON string it has to be escaped. Lines that are empty go with what follows them.
                var end = Rest.IndexOfAny((byte)'\n', (byte)'\r');
                if (end < 0)
                {
                    _scan = _end;
                    return false;
                }

                _scan += end;
                refusal = End(_scan);
                _state = State.Between;
                return true;
            case State.ArrayBegin:
            case State.ElementBegin:
                if (!SkipSpace())
                {
                    return false;
                }

                if (_state == State.ArrayBegin && Rest[0] == ']')
                {
                    _scan++;
                    _state = State.ArrayEnd;
                    return true;
                }

                (_state, _depth) = (State.Element, 0);
                refusal = items.Begin();
                return true;
            case State.Element:
                if (!FindEndOfElement())
                {
                    return false;
                }

                var ended = _buffer.Bytes[_scan];
                refusal = ended == '}' ? BatchRefusal.OfForm("The body is not a JSON array, and nothing of it was stored: '}' is in the wrong place.") : End(_scan);
                _start = ++_scan;
                _state = ended == ',' ? State.ElementBegin : State.ArrayEnd;
                return true;
            default:
                if (SkipSpace())
                {
                    refusal = BatchRefusal.OfForm("The body is not a JSON array, and nothing of it was stored: something follows its end.");
                }

                return false;
        }
    }

    private BatchRefusal? End(int end)
    {
        var refusal = _skipping || end - _start > maxItemBytes ? items.AddTooLong() : items.Add(_buffer.Bytes.AsMemory(_start, end - _start), isElement: _state == State.Element);
        (_skipping, _start) = (false, end);
        return refusal;
    }

    private bool SkipSpace()
    {
        _scan = _end - Rest.TrimStart(" \t\r\n"u8).Length;
        _start = _scan;
        return _scan < _end;
    }

    private bool SkipSpaceAndMarks(bool last)
    {
        while (SkipSpace() && Rest.StartsWith(ByteOrderMark))
        {
            _scan += ByteOrderMark.Length;
        }

        // Half of a mark: the next bytes tell.
        return _scan < _end && (last || Rest.Length >= ByteOrderMark.Length || !ByteOrderMark.StartsWith(Rest));
    }

    /// <summary>Stands at the comma or the bracket behind the element.</summary>
    private bool FindEndOfElement()
    {
        while (_scan < _end)
        {
            if (_escaped)
            {
                _escaped = false;
                _scan++;
                continue;
            }

            var next = _inString ? Rest.IndexOfAny((byte)'"', (byte)'\\') : Rest.IndexOfAny(s_structure);
            if (next < 0)
            {
                _scan = _end;
                return false;
            }

            _scan += next;
            switch (_buffer.Bytes[_scan])
            {
                case (byte)'"':
                    _inString = !_inString;
                    break;
                case (byte)'\\':
                    _escaped = true;
                    break;
                case (byte)'[' or (byte)'{':
                    _depth++;
                    break;
                default:
                    if (_depth == 0)
                    {
                        return true;
                    }

                    if (_buffer.Bytes[_scan] != ',')
                    {
                        _depth--;
                    }

                    break;
            }

            _scan++;
        }

        return false;
    }
}

/// <summary>Who gets the items of a batch. Each method answers why the whole batch is refused, or null.</summary>
internal interface IBatchItems
{
    bool Any { get; }

    /// <summary>Another item begins.</summary>
    BatchRefusal? Begin();

    /// <param name="json">The item, until this returns.</param>
    /// <param name="isElement">It is an element of an array, which is none when this is not JSON.</param>
    BatchRefusal? Add(ReadOnlyMemory<byte> json, bool isElement);

    /// <summary>The item was too long to be kept.</summary>
    BatchRefusal? AddTooLong();
}

/// <summary>Why nothing of a batch is stored.</summary>
/// <param name="Status">400, 413 or 503.</param>
/// <param name="Detail">For people.</param>
internal sealed record BatchRefusal(int Status, string Detail)
{
    public static BatchRefusal OfForm(string rule) => new(StatusCodes.Status400BadRequest, rule);

    public static BatchRefusal OfSize(string rule) => new(StatusCodes.Status413PayloadTooLarge, rule);

    public static BatchRefusal OfMemory(MemoryShare memory) => memory.IsHopeless ? OfSize(EventPublisher.MemoryRule) : new(StatusCodes.Status503ServiceUnavailable, "");
}
