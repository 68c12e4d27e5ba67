using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Streams;

/// <summary>
/// The body of a forwarded stream whose writes are not cut when it is to end. Kestrel resets the connection when a write
/// under way is cancelled, and with the last event also the end of the response would be lost.
/// </summary>
/// <param name="inner">The body.</param>
/// <param name="lifetime">The stream's.</param>
/// <param name="limit">How long a write may take after it was cancelled; then the connection is cut.</param>
internal sealed class WholeWriteStream(Stream inner, StreamLifetime lifetime, TimeSpan limit) : ResponseBodyStream(inner)
{
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        var write = Inner.WriteAsync(buffer, CancellationToken.None);
        return write.IsCompletedSuccessfully ? write : new ValueTask(FinishAsync(write.AsTask(), cancellationToken));
    }

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested
            ? Task.FromCanceled(cancellationToken)
            : FinishAsync(Inner.FlushAsync(CancellationToken.None), cancellationToken);

    private async Task FinishAsync(Task write, CancellationToken cancellationToken)
    {
        try
        {
            await write.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !write.IsCompleted)
        {
            await write.WaitAsync(limit, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!write.IsCompleted)
            {
                lifetime.Cut();
            }

            // The buffer is the writer's own again.
            await write;
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
