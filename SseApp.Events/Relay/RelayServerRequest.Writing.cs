using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.Events.Relay;

/// <content>How slow the client is, as the gateway tells.</content>
internal sealed partial class RelayServerRequest
{
    // The gateway holds what one write brings beyond what it asked for; nothing else waits there.
    private static readonly TaskCompletionSource<bool> s_gone = CreateGone();

    public IStreamWriter CreateWriter() => new RelayStreamWriter(this, _connection);

    /// <summary>Completes when the client has taken what the gateway holds; null when it does not wait.</summary>
    public Task<bool>? Ready => Volatile.Read(ref _ready)?.Task;

    public bool IsGone => ReferenceEquals(Volatile.Read(ref _ready), s_gone);

    public void SetBlocked() => Interlocked.CompareExchange(
        ref _ready, new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously), null);

    public void SetReady()
    {
        if (Volatile.Read(ref _ready) is { } ready && !ReferenceEquals(ready, s_gone) && Interlocked.CompareExchange(ref _ready, null, ready) == ready)
        {
            ready.TrySetResult(true);
        }
    }

    /// <summary>Cuts the client off: it does not read.</summary>
    public void Cut()
    {
        End(clean: false);
        Abort();
    }

    private void SetGone()
    {
        if (Interlocked.Exchange(ref _ready, s_gone) is { } ready && !ReferenceEquals(ready, s_gone))
        {
            ready.TrySetResult(false);
        }
    }

    private static TaskCompletionSource<bool> CreateGone()
    {
        var gone = new TaskCompletionSource<bool>();
        gone.SetResult(false);
        return gone;
    }
}
