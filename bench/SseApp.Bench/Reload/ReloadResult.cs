namespace SseApp.Bench.Reload;

/// <summary>What a rolling reload under load came to.</summary>
/// <param name="State">How the gateway says it ended: <c>succeeded</c>, or what went wrong.</param>
/// <param name="Seconds">Length of the reload.</param>
/// <param name="Open">Streams open at the end.</param>
/// <param name="Published">Events published.</param>
/// <param name="Tally">What the streams saw.</param>
/// <param name="Steps">The replicas' turns.</param>
/// <param name="Samples">For the chart.</param>
internal sealed record ReloadResult(
    string State, double Seconds, int Open, long Published, Tally Tally, IReadOnlyList<ReloadStepResult> Steps, IReadOnlyList<ReplicaSample> Samples);

/// <summary>One replica's turn.</summary>
/// <param name="Replica">Its id.</param>
/// <param name="Streams">Streams it held.</param>
/// <param name="Seconds">From the command until its streams were back.</param>
/// <param name="PeakReconnects">Most reconnects in one second during its turn.</param>
/// <param name="EvenReconnects">Its streams by the drain window, in reconnects a second.</param>
internal sealed record ReloadStepResult(string Replica, int Streams, double Seconds, int PeakReconnects, double EvenReconnects)
{
    /// <summary>1 is perfectly even.</summary>
    public double Ratio => EvenReconnects == 0 ? 0 : PeakReconnects / EvenReconnects;
}

/// <summary>Streams of each replica, as the registry knows them, at a moment of the run.</summary>
/// <param name="At">Microseconds since the reload began.</param>
/// <param name="Streams">By replica id.</param>
/// <param name="Step">Index of the replica whose turn it is; -1 when the reload is over.</param>
internal sealed record ReplicaSample(long At, IReadOnlyDictionary<string, int> Streams, int Step);
