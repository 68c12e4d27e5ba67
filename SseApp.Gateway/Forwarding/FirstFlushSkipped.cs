using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.Gateway.Forwarding;

/// <summary>Passes on what is written to it, and every flush but the first.</summary>
internal sealed class FirstFlushSkipped(Stream inner) : WriteOnlyStream
{
    private bool _skipped;

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_skipped)
        {
            return inner.FlushAsync(cancellationToken);
        }

        _skipped = true;
        return Task.CompletedTask;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);
}
