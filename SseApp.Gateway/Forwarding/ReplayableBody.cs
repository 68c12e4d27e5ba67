using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Forwarding;

/// <summary>
/// The body of a request that may be sent twice: what was read is kept, up to a limit and as long as the budget of all
/// such bodies has room, and read again after <see cref="TryRewind"/>.
/// </summary>
internal sealed class ReplayableBody(Stream inner, int limit, ReplayBudget budget) : Stream, IBodyProgress
{
    private const int FirstBytes = 4096;

    // The server may still be reading for a forward that has ended.
    private readonly Lock _gate = new();
    private byte[]? _kept = [];
    private int _length;
    private int _position;
    private volatile bool _whole;

    public bool IsWhole => _whole;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <returns>False when more than the limit has been read, or there was no room: it cannot be sent again.</returns>
    public bool TryRewind()
    {
        lock (_gate)
        {
            _position = 0;
            return _kept is not null;
        }
    }

    /// <summary>Keeps nothing any more: no other replica will be asked.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            if (_kept is not null)
            {
                budget.Return(_kept.Length);
                _kept = null;
            }
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_kept is not null && _position < _length)
            {
                var again = Math.Min(buffer.Length, _length - _position);
                _kept.AsSpan(_position, again).CopyTo(buffer.Span);
                _position += again;
                return again;
            }
        }

        var count = await inner.ReadAsync(buffer, cancellationToken);
        _whole |= count == 0 && buffer.Length > 0;
        lock (_gate)
        {
            if (_kept is not null && !TryKeep(buffer.Span[..count]))
            {
                Forget();
            }
        }

        return count;
    }

    private bool TryKeep(ReadOnlySpan<byte> read)
    {
        if (read.Length > limit - _length)
        {
            return false;
        }

        var length = _length + read.Length;
        if (length > _kept!.Length)
        {
            var size = Math.Min(limit, Math.Max(length, Math.Max(FirstBytes, _kept.Length * 2)));
            if (!budget.TryTake(size - _kept.Length))
            {
                return false;
            }

            Array.Resize(ref _kept, size);
        }

        read.CopyTo(_kept.AsSpan(_length));
        _position = _length = length;
        return true;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The body of a request is read asynchronously.");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>The memory that all kept bodies share (<see cref="UpstreamOptions.MaxReplayTotalBytes"/>).</summary>
internal sealed class ReplayBudget(IOptions<UpstreamOptions> options)
{
    private long _left = options.Value.MaxReplayTotalBytes;

    /// <returns>False, without effect, when there is not so much left.</returns>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _left, -bytes) >= 0)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    public void Return(int bytes) => Interlocked.Add(ref _left, bytes);
}
