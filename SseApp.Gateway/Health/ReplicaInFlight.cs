namespace SseApp.Gateway.Health;

/// <summary>One replica with requests in flight, for <see cref="LostReplicas"/>.</summary>
internal sealed class ReplicaInFlight(string id, Uri probe) : IDisposable
{
    private readonly CancellationTokenSource _lost = new();

    public string Id => id;

    /// <summary>What is asked when its heartbeat is missing.</summary>
    public Uri Probe => probe;

    /// <summary>Requests in flight; guarded by <see cref="LostReplicas"/>, as the next one.</summary>
    public int Requests { get; set; }

    /// <summary>What the registry last said of it; null when it was gone before anybody looked.</summary>
    public ReplicaRecord? Record { get; set; }

    /// <summary>Probes in a row that got no answer.</summary>
    public int Failures { get; set; }

    /// <summary>Cancelled when the replica counts as lost.</summary>
    public CancellationToken Lost => _lost.Token;

    public void Lose() => _lost.Cancel();

    public void Dispose() => _lost.Dispose();
}
