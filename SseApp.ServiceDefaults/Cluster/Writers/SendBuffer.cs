using System.Buffers.Text;

namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>
/// The bytes of one write, with room around them for the frame of an HTTP/1.1 chunk
/// (https://www.rfc-editor.org/rfc/rfc9112#section-7.1), so that they are framed in place. A shard has two of them and
/// uses them again and again; connections have none.
/// </summary>
internal sealed class SendBuffer(int capacity) : IBufferWriter<byte>
{
    // Eight hexadecimal digits and CRLF.
    private const int HeadRoom = 10;
    private const int TailRoom = 2;

    private byte[] _bytes = new byte[HeadRoom + capacity + TailRoom];
    private int _end = HeadRoom;
    private int _chunkStart;

    public int Length => _end - HeadRoom;

    /// <summary>Another number after every change: who has seen this one has seen these bytes.</summary>
    public int Version { get; private set; }

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Payload => _bytes.AsSpan(HeadRoom, Length);

    /// <summary>What was written, as one chunk; it must not be empty, because an empty chunk ends a response.</summary>
    public ReadOnlySpan<byte> Chunk
    {
        get
        {
            if (_chunkStart == 0)
            {
                Frame();
            }

            return _bytes.AsSpan(_chunkStart, _end + TailRoom - _chunkStart);
        }
    }

    public void Clear()
    {
        _end = HeadRoom;
        _chunkStart = 0;
        Version++;
    }

    public void Advance(int count)
    {
        _end += count;
        _chunkStart = 0;
        Version++;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(_end, _bytes.Length - TailRoom - _end);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(_end, _bytes.Length - TailRoom - _end);
    }

    private void Reserve(int size)
    {
        var needed = _end + Math.Max(size, 1) + TailRoom;
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
        }
    }

    private void Frame()
    {
        Span<byte> digits = stackalloc byte[8];
        Utf8Formatter.TryFormat(Length, digits, out var count, new StandardFormat('x'));
        _chunkStart = HeadRoom - 2 - count;
        digits[..count].CopyTo(_bytes.AsSpan(_chunkStart));
        "\r\n"u8.CopyTo(_bytes.AsSpan(HeadRoom - 2));
        "\r\n"u8.CopyTo(_bytes.AsSpan(_end));
    }
}
