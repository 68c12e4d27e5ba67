using System.Buffers;
using SseApp.Events.Http;

namespace SseApp.Events.Publishing;

/// <summary>
/// Cuts a body that has no end into its lines, by the rules that batches have: LF, CR or both end one, space and byte order marks around it are
/// none of it, and empty ones are none. A line that lies in one piece is not copied; of one that is too long nothing is kept.
/// </summary>
/// <param name="maxBytes">What is longer is skipped.</param>
/// <param name="memory">Gives the memory for a line that comes in pieces.</param>
internal sealed class LineSplitter(int maxBytes, MemoryShare memory) : IDisposable
{
    private const int FirstBytes = 4 * 1024;

    // What is kept of it for the next line; long ones are rare.
    private const int KeptBytes = 64 * 1024;

    private readonly PooledBuffer _kept = new(memory);
    private int _length;
    private bool _skipping;

    /// <summary>Whether a line has begun that has not come to its end.</summary>
    public bool HasPart => _length > 0 || _skipping;

    private static ReadOnlySpan<byte> Space => " \t"u8;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Finds the next line.</summary>
    /// <param name="input">What has come; what was looked at is taken off it.</param>
    /// <param name="line">The line, until the next call and no longer than the input.</param>
    public FoundLine Next(ref ReadOnlySequence<byte> input, out ReadOnlyMemory<byte> line)
    {
        line = default;
        if (!HasPart && _kept.Bytes.Length > KeptBytes)
        {
            _kept.Release();
        }

        while (!input.IsEmpty)
        {
            var piece = input.First;
            var end = piece.Span.IndexOfAny((byte)'\n', (byte)'\r');
            if (HasPart || end < 0)
            {
                var part = end < 0 ? piece : piece[..end];
                if (!TryKeep(part.Span))
                {
                    return FoundLine.NoMemory;
                }

                input = input.Slice(end < 0 ? piece.Length : end + 1);
                if (end >= 0 && EndPart(out line) is var found and not FoundLine.None)
                {
                    return found;
                }
            }
            else
            {
                input = input.Slice(end + 1);
                if (End(piece[..end], out line) is var found and not FoundLine.None)
                {
                    return found;
                }
            }
        }

        return FoundLine.None;
    }

    /// <summary>The body ends here, and its last line with it.</summary>
    public FoundLine Finish(out ReadOnlyMemory<byte> line)
    {
        line = default;
        return HasPart ? EndPart(out line) : FoundLine.None;
    }

    public void Dispose() => _kept.Dispose();

    private FoundLine EndPart(out ReadOnlyMemory<byte> line)
    {
        var (length, tooLong) = (_length, _skipping);
        (_length, _skipping, line) = (0, false, default);
        return tooLong ? FoundLine.TooLong : End(_kept.Bytes.AsMemory(0, length), out line);
    }

    private FoundLine End(ReadOnlyMemory<byte> text, out ReadOnlyMemory<byte> line)
    {
        line = text.TrimStart(Space);
        if (line.Length > maxBytes)
        {
            line = default;
            return FoundLine.TooLong;
        }

        while (line.Span.StartsWith(ByteOrderMark))
        {
            line = line[ByteOrderMark.Length..].TrimStart(Space);
        }

        line = line.TrimEnd(Space);
        return line.IsEmpty ? FoundLine.None : FoundLine.Line;
    }

    /// <returns>False when there is no memory for it; it may be given once more.</returns>
    private bool TryKeep(ReadOnlySpan<byte> part)
    {
        part = _length == 0 ? part.TrimStart(Space) : part;
        if (_skipping || part.Length > maxBytes - _length)
        {
            (_skipping, _length) = (true, 0);
            return true;
        }

        var length = _length + part.Length;
        if (length > _kept.Bytes.Length
            && !_kept.TryGrow(Math.Max(FirstBytes, Math.Max(length, Math.Min(_kept.Bytes.Length * 2, maxBytes))), _kept.Bytes.AsSpan(0, _length)))
        {
            return false;
        }

        part.CopyTo(_kept.Bytes.AsSpan(_length));
        _length = length;
        return true;
    }
}

internal enum FoundLine
{
    /// <summary>No line has come to its end.</summary>
    None,
    Line,
    TooLong,

    /// <summary>There is no memory for the part of a line; the input is as it was.</summary>
    NoMemory,
}
