namespace SseApp.Gateway.Alerts;

/// <summary>What the rules judge: the cluster as one gateway sees it at one moment.</summary>
internal sealed record ClusterSnapshot
{
    /// <summary>Time since this gateway started; what rules measure durations by, because clocks are set.</summary>
    public required TimeSpan Uptime { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>True within <see cref="AlertsOptions.StartupGrace"/>: rules learn and find nothing.</summary>
    public bool IsStarting { get; init; }

    public IReadOnlyList<ReplicaRecord> Replicas { get; init; } = [];

    /// <summary>Ids of replicas that took themselves out of the registry.</summary>
    public IReadOnlySet<string> Left { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>True while the registry does not answer; <see cref="Replicas"/> is the last known set then.</summary>
    public bool RegistryUnavailable { get; init; }

    /// <summary>True while the registry is unavailable and until every replica had time to return to it.</summary>
    public bool RegistryUnsettled { get; init; }

    /// <summary>How full Redis is; null where this gateway has none.</summary>
    public RedisMemoryReading? RedisMemory { get; init; }

    public bool RedisIsFilling { get; init; }

    /// <summary>Publishes are refused.</summary>
    public bool RedisIsFull { get; init; }

    /// <summary>Replicas that this gateway finds healthy.</summary>
    public int Ready { get; init; }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<RestartRecord> Restarts { get; init; } = [];

    /// <summary>Requests that this gateway refused since it started.</summary>
    public long Refused { get; init; }

    /// <summary>What this gateway ignored as forged since it started.</summary>
    public long Forged { get; init; }

    /// <summary>Alerts that last, from the book, so that a gateway that starts goes on where its predecessor was.</summary>
    public IReadOnlyList<Alert> Known { get; init; } = [];
}
