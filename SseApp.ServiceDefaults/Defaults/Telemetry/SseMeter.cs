using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>
/// Names of the product's own metrics, the same in OTLP and in Prometheus text. Dashboards and alert rules depend on
/// them; changing one is a breaking change.
/// </summary>
internal static class MetricNames
{
    /// <summary>Name of the meter that owns all of them.</summary>
    public const string Meter = "SseApp";

    public const string ActiveConnections = "sse_active_connections";
    public const string ConnectionsOpened = "sse_connections_opened_total";
    public const string ConnectionsClosed = "sse_connections_closed_total";
    public const string EventsPublished = "sse_events_published_total";
    public const string PublishesRefused = "sse_publishes_refused_total";
    public const string ReadsRefused = "sse_reads_refused_total";
    public const string RequestMemory = "sse_request_memory_bytes";
    public const string EventsDelivered = "sse_events_delivered_total";
    public const string DeliveryLatency = "sse_delivery_latency_seconds";
    public const string ReplayedEvents = "sse_replayed_events_total";
    public const string EventsDeferred = "sse_events_deferred_total";
    public const string Gaps = "sse_gaps_total";
    public const string SlowConsumers = "sse_slow_consumers_total";
    public const string BacklogBytes = "sse_backlog_bytes";
    public const string ActiveTopics = "sse_active_topics";
    public const string TopicSubscribers = "sse_topic_subscribers";
    public const string TopicEvents = "sse_topic_events_total";
    public const string TopicDeliveries = "sse_topic_deliveries_total";
    public const string RedisSubscriptions = "sse_redis_subscriptions";
    public const string RedisUp = "sse_redis_up";
    public const string RedisMemoryUsed = "sse_redis_memory_used_bytes";
    public const string RedisMemoryLimit = "sse_redis_memory_limit_bytes";
    public const string StoredBytes = "sse_stored_bytes";
    public const string StoredLimit = "sse_stored_limit_bytes";
    public const string Refusals = "sse_refusals_total";
    public const string RefusalsDelayed = "sse_refusals_delayed_total";
    public const string Forged = "sse_forged_total";
    public const string ConnectionsRefused = "sse_connections_refused_total";
    public const string DrainSeconds = "sse_drain_seconds";
    public const string ProcessStartTime = "process_start_time_seconds";
    public const string OpenDescriptors = "sse_open_descriptors";
    public const string DescriptorLimit = "sse_descriptor_limit";

    public const string ArchivedEvents = "sse_archived_events_total";
    public const string ArchivedBytes = "sse_archived_bytes_total";
    public const string ArchiveLostEvents = "sse_archive_lost_events_total";
    public const string ArchiveFailures = "sse_archive_failures_total";
    public const string ArchiveQueries = "sse_archive_queries_total";
    public const string ArchiveUp = "sse_archive_up";
    public const string ArchiveLagEvents = "sse_archive_lag_events";
    public const string ArchiveLagSeconds = "sse_archive_lag_seconds";
    public const string ArchiveShards = "sse_archive_shards";
    public const string HistoryEvents = "sse_history_events_total";

    public const string GatewayActiveStreams = "sse_gateway_active_streams";
    public const string GatewayReplicas = "sse_gateway_replicas";
    public const string GatewayStreamsLost = "sse_gateway_streams_lost_total";
    public const string GatewayRetries = "sse_gateway_retries_total";
    public const string Http2Frames = "sse_http2_frames_total";
    public const string GatewayCertificateExpiry = "sse_gateway_certificate_expiry_timestamp_seconds";
    public const string ProbeUp = "sse_probe_up";
    public const string ProbeLatency = "sse_probe_latency_seconds";
    public const string ProbePublished = "sse_probe_published_total";
    public const string ProbeFailed = "sse_probe_failed_total";
    public const string ProbeReceived = "sse_probe_received_total";
    public const string ProbeLost = "sse_probe_lost_total";
    public const string ProbeDuplicated = "sse_probe_duplicated_total";
    public const string ProbeReordered = "sse_probe_reordered_total";
    public const string ProbeGaps = "sse_probe_gaps_total";
    public const string GatewayAccessLogDropped = "sse_gateway_access_log_dropped_total";
}

/// <summary>The one meter of the process; each feature makes its instruments on it under a name of <see cref="MetricNames"/>.</summary>
internal sealed class SseMeter
{
    public SseMeter(IMeterFactory factory)
    {
        // The factory caches by name and disposes the meter with the host.
        Meter = factory.Create(MetricNames.Meter);
        // Under the name that all client libraries of Prometheus have for it; OpenTelemetry has none.
        using var process = Process.GetCurrentProcess();
        var started = new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0;
        Meter.CreateObservableGauge(MetricNames.ProcessStartTime, () => started, unit: "s", description: "When the process started, in Unix time.");
    }

    public Meter Meter { get; }
}
