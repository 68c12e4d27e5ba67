namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>Of section <c>TopicLog</c> what gateways need to know, too: they raise the alert before it is used up.</summary>
internal sealed class TopicLogBudget
{
    public const string SectionName = "TopicLog";

    /// <summary>
    /// Bytes that all topic logs may take in Redis, as Redis counts its data (on Redis Cluster that of all primaries together), so
    /// what else lies on the server counts, too. Beyond it publishes get 507 with the reason <c>storage-full</c>; nobody's log is dropped.
    /// 0: no limit. Default: half of <c>maxmemory</c>, or of Garnet's <c>--memory</c>.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long? MaxTotalBytes { get; set; }
}
