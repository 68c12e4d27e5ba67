namespace SseApp.Bench.Reload;

/// <summary>Streams of each replica, as the registry knows them, at a moment of the run.</summary>
/// <param name="At">Microseconds since the reload began.</param>
/// <param name="Streams">By replica id.</param>
/// <param name="Step">Index of the replica whose turn it is; -1 when the reload is over.</param>
internal sealed record ReplicaSample(long At, IReadOnlyDictionary<string, int> Streams, int Step);
