namespace SseApp.Gateway.Forwarding;

/// <summary>When a try at a replica ends early: the replica is lost, or nothing came of a stream in time.</summary>
internal sealed class AttemptLimit(CancellationToken lost) : IDisposable
{
    private CancellationTokenSource? _ended = CancellationTokenSource.CreateLinkedTokenSource(lost);

    public CancellationToken Ended => _ended!.Token;

    /// <summary>Ends the try unless the response starts within this.</summary>
    public void AwaitFirstByte(HttpResponse response, TimeSpan timeout)
    {
        _ended!.CancelAfter(timeout);

        // It may be another try's response that starts; this one is disposed of then.
        response.OnStarting(
            static state =>
            {
                ((AttemptLimit)state)._ended?.CancelAfter(Timeout.InfiniteTimeSpan);
                return Task.CompletedTask;
            },
            this);
    }

    public void Dispose()
    {
        _ended?.Dispose();
        _ended = null;
    }
}
