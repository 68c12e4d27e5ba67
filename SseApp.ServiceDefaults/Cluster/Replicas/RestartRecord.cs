namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>One end of a supervised process, as whoever restarts it tells the cluster.</summary>
public sealed record RestartRecord
{
    /// <summary>What ended, the same for each of its restarts: the replica's id, or the name of a resource instance.</summary>
    public required string Id { get; init; }

    /// <summary>Exit code; null when it is not known.</summary>
    public int? ExitCode { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>False for a restart that was meant, such as that of the memory guard; it counts for no crash loop.</summary>
    public bool Crash { get; init; } = true;

    /// <summary>True when it is not restarted any more; a person has to look.</summary>
    public bool GaveUp { get; init; }

    /// <summary>For people, such as <c>killed by signal 9</c>; may be empty.</summary>
    public string Reason { get; init; } = "";
}
