namespace SseApp.Tests.Infrastructure;

/// <summary>A client in memory that takes one send whenever the test says so.</summary>
internal sealed class GatedStreamWriter : IStreamWriter
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly SseParser _parser = new();
    private readonly List<SseEvent> _taken = [];
    private byte[]? _offered;
    private TaskCompletionSource<bool>? _send;

    /// <summary>Comments are left out.</summary>
    public SseEvent[] Taken
    {
        get
        {
            lock (_gate)
            {
                return [.. _taken];
            }
        }
    }

    public ValueTask<bool> SendAsync(SendBuffer buffer)
    {
        lock (_gate)
        {
            // The buffer is used again as soon as this returns.
            _offered = buffer.Payload.ToArray();
            _send = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask<bool>(_send.Task);
        }
    }

    /// <summary>Waits for a send.</summary>
    public Task OfferedAsync() => Eventually.Async(() => Volatile.Read(ref _send) is not null, s_limit, "something to be sent");

    /// <summary>Waits for a send and takes it.</summary>
    public async Task TakeAsync()
    {
        await OfferedAsync();
        lock (_gate)
        {
            _taken.AddRange(_parser.Feed(_offered).Where(next => next.Type != ":"));
            var send = _send!;
            _send = null;
            send.SetResult(true);
        }
    }

    public void Abort()
    {
        lock (_gate)
        {
            _send?.TrySetResult(false);
            _send = null;
        }
    }
}
