namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>
/// What a replica says of itself in the registry. The whole record is written with every heartbeat, so a reader
/// never has to merge.
/// </summary>
internal sealed record ReplicaRecord
{
    /// <summary>Unique for the life of the process; becomes the id of the gateway's destination.</summary>
    public required string Id { get; init; }

    /// <summary>Address at which gateways reach this replica; never a wildcard address.</summary>
    public required Uri Address { get; init; }

    public required ReplicaState State { get; init; }

    /// <summary>Streams open at the time of the heartbeat.</summary>
    public int Connections { get; init; }

    /// <summary>Share of the load relative to the other replicas, 1 to 1000.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>Gets traffic only while no primary replica is available.</summary>
    public bool Backup { get; init; }

    /// <summary>Failed requests within <see cref="FailTimeout"/> that take it out; null: as the gateway is configured.</summary>
    public int? MaxFails { get; init; }

    /// <summary>How long it is then out; null: as the gateway is configured.</summary>
    public TimeSpan? FailTimeout { get; init; }

    /// <summary>Version of the relay protocol that it offers to gateways; 0 for none.</summary>
    public int Relay { get; init; }

    public long WorkingSetBytes { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Streams opened since the process started.</summary>
    public long Opened { get; init; }

    /// <summary>Streams refused since the process started.</summary>
    public long Refused { get; init; }

    /// <summary>Records, commands and requests ignored as forged since the process started.</summary>
    public long Forged { get; init; }

    /// <summary>
    /// The longest time, in milliseconds, that ready work waited for a thread since the last heartbeat, pauses of the
    /// garbage collector included.
    /// </summary>
    public double SchedulingDelayMs { get; init; }

    /// <summary>
    /// 99th percentile, in milliseconds, of the time from publish to written bytes since the last heartbeat; null when
    /// nothing was delivered.
    /// </summary>
    public double? DeliveryP99Ms { get; init; }

    /// <summary>Median of the same; null when nothing was delivered.</summary>
    public double? DeliveryP50Ms { get; init; }

    /// <summary>When the record was made, by the replica's clock: rates are differences of its counts, divided by those of this.</summary>
    public DateTimeOffset HeartbeatAt { get; init; }

    /// <summary>Of <see cref="Opened"/>, those whose clients came with the id of an event: they had a stream before.</summary>
    public long Resumed { get; init; }

    /// <summary>Events stored since the process started.</summary>
    public long Published { get; init; }

    /// <summary>Events written to streams since the process started.</summary>
    public long Delivered { get; init; }

    /// <summary>Gaps reported to streams since the process started.</summary>
    public long Gaps { get; init; }

    /// <summary>How the archive is, as this replica sees it; null without one.</summary>
    public ArchiveReport? Archive { get; init; }

    /// <summary>Version of the service's assembly.</summary>
    public string Version { get; init; } = "";
}

/// <summary>What a replica says of the archive behind the topic logs.</summary>
/// <param name="Reason">Why events cannot be archived; null while they can.</param>
/// <param name="Behind">The oldest event that it has to archive has waited for longer than its limit.</param>
/// <param name="LagSeconds">Age of that event.</param>
/// <param name="LagEvents">Events that it has to archive.</param>
/// <param name="Lost">Events that went from Redis before they were archived, since the process started.</param>
internal sealed record ArchiveReport(string? Reason, bool Behind, double LagSeconds, long LagEvents, long Lost);

/// <summary>Where a replica is in its life. A gateway sends new requests to <see cref="Ready"/> replicas only.</summary>
internal enum ReplicaState
{
    /// <summary>The process runs but has not passed its readiness checks yet.</summary>
    Starting,

    /// <summary>Accepts streams and publishes.</summary>
    Ready,

    /// <summary>Ends its streams and accepts no new ones; it may become ready again (undrain) or end.</summary>
    Draining,
}
