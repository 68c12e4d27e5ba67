namespace SseApp.Gateway.Operators;

/// <summary>Section <c>Reload</c>: the rolling reload, which replaces the replicas' processes one by one.</summary>
public sealed class ReloadOptions
{
    public const string SectionName = "Reload";

    /// <summary>
    /// Time from the command to a replica until its successor is ready: drain window, start and first checks. The reload
    /// stops when it is over. Default 90 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ReplicaTimeout { get; set; } = TimeSpan.FromSeconds(90);

    /// <summary>How long to wait for the replica's streams to be open again elsewhere, before the next one. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan StreamsTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Share of the replica's streams, 0 to 1, that must be open again by then; with fewer the reload stops, for the new process
    /// may be the reason. Replicas with fewer than 20 streams are not judged by it. Default 0.5.
    /// </summary>
    [Range(0, 1)]
    public double MinReturned { get; set; } = 0.5;
}
