using Microsoft.Extensions.Options;
using SseApp.Events.Diagnostics;
using SseApp.Events.Streaming;

namespace SseApp.Events.Replicas;

/// <summary>Whether this replica is draining. Begins once; everything that depends on it hears of it at once.</summary>
internal sealed class DrainState(ShardSet shards, EventsMetrics metrics, IOptions<DrainOptions> options) : IDisposable
{
    private readonly CancellationTokenSource _draining = new();
    private int _begun;

    public bool IsDraining => Volatile.Read(ref _begun) != 0;

    /// <summary>Cancelled when the drain begins.</summary>
    public CancellationToken Draining => _draining.Token;

    /// <summary>Refuses new streams and ends the open ones within the window. Calling it again changes nothing.</summary>
    public void Begin()
    {
        if (Interlocked.Exchange(ref _begun, 1) == 0)
        {
            metrics.DrainStarted();
            shards.PostAll(ShardWorkKind.Drain, value: options.Value.Window);
            _draining.Cancel();
        }
    }

    public void Dispose() => _draining.Dispose();
}
