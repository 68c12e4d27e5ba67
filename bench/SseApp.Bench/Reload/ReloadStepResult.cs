namespace SseApp.Bench.Reload;

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
