namespace SseApp.Gateway.Relay;

/// <summary>What of a publish that streams is on its way to its replica and back: bytes of lines, of which no more are sent than the replica can finish soon.</summary>
internal sealed class PublishWindow
{
    private readonly Lock _gate = new();
    private long _part;
    private long _sent;
    private long _settled;
    private TaskCompletionSource? _waiting;

    /// <summary>Bytes of the lines that end in this piece, up to the last end.</summary>
    public long LinesIn(ReadOnlySpan<byte> piece)
    {
        var end = piece.LastIndexOfAny((byte)'\n', (byte)'\r') + 1;
        var lines = end == 0 ? 0 : _part + end;
        _part = end == 0 ? _part + piece.Length : piece.Length - end;
        return lines;
    }

    /// <summary>Bytes of the line that ends with the body.</summary>
    public long LastLine() => _part;

    /// <summary>Waits until lines of so many bytes may be sent.</summary>
    public async ValueTask SendAsync(long lines, CancellationToken cancellationToken)
    {
        while (!TrySend(lines, out var settled))
        {
            await settled.WaitAsync(cancellationToken);
        }
    }

    /// <param name="body">Up to which byte the replica is done with the body.</param>
    public void Settle(long body)
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            _settled = Math.Max(_settled, body);
            (waiting, _waiting) = (_waiting, null);
        }

        waiting?.TrySetResult();
    }

    private bool TrySend(long lines, out Task settled)
    {
        lock (_gate)
        {
            // However long they are: that the replica is done with empty lines it does not say at once.
            if (_sent - _settled > PublishFrame.Window)
            {
                settled = (_waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                return false;
            }

            _sent += lines;
            settled = Task.CompletedTask;
            return true;
        }
    }
}
