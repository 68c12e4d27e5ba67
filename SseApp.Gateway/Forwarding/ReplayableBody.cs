namespace SseApp.Gateway.Forwarding;

/// <summary>
/// The body of a request that may be sent twice: what was read is kept, up to a limit, and read again after
/// <see cref="TryRewind"/>.
/// </summary>
internal sealed class ReplayableBody(Stream inner, int limit) : Stream
{
    private MemoryStream? _kept = new();
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <returns>False when more than the limit has been read: it cannot be sent again.</returns>
    public bool TryRewind()
    {
        _position = 0;
        return _kept is not null;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_kept is { } kept && _position < kept.Length)
        {
            kept.Position = _position;
            var again = kept.Read(buffer.Span);
            _position += again;
            return again;
        }

        var count = await inner.ReadAsync(buffer, cancellationToken);
        _position += count;
        if (_kept is { } keeping)
        {
            if (_position > limit)
            {
                _kept = null;
            }
            else
            {
                keeping.Position = keeping.Length;
                keeping.Write(buffer.Span[..count]);
            }
        }

        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The body of a request is read asynchronously.");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
