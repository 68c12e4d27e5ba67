using SseApp.ServiceDefaults.Cluster.Relay;

namespace SseApp.Gateway.Relay;

/// <summary>A short request on a relay connection.</summary>
internal sealed class RelayClientRequest(RelayClientConnection link, int id)
{
    private readonly TaskCompletionSource<RelayAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Id => id;

    /// <summary>The answer. Whoever does not wait for it any more lets the replica know.</summary>
    /// <exception cref="IOException">The connection broke before; whether the replica has done what was asked is not known.</exception>
    public async Task<RelayAnswer> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _answer.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            link.Cancel(this);
            throw;
        }
    }

    public void OnAnswer(RelayAnswer answer) => _answer.TrySetResult(answer);

    public void OnBroken(Exception exception)
    {
        _answer.TrySetException(new IOException("The connection to the replica broke before the answer.", exception));
        // Whoever asked may have left.
        _ = _answer.Task.Exception;
    }
}
