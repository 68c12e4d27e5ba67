using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>
/// The labels that metrics of the platform and of libraries keep: those with few values, none of which a client chooses. .NET
/// takes <c>server.address</c> of an outgoing request from its <c>Host</c>, and has the peer's address and the name that was looked up
/// elsewhere: each new value is a series for the life of the process. A list of what stays, so that what a later release adds is
/// not in by itself.
/// </summary>
internal static class MetricLabels
{
    private const int BoundedSeries = 500;

    // The exporter takes memory for as many series as a metric may have when it begins, 72 bytes each: with its own limit of 2 000
    // that is 14 MB for a process that has a few hundred series.
    private static readonly MetricStreamConfiguration s_few = new() { CardinalityLimit = 200 };

    // Each request changes these three times, and choosing labels costs a percent of a publish: of its own requests the server
    // has none to take away, neither addresses nor names.
    private static readonly MetricStreamConfiguration s_server = new() { CardinalityLimit = BoundedSeries };

    private static readonly MetricStreamConfiguration s_bounded = new()
    {
        CardinalityLimit = BoundedSeries,
        TagKeys =
        [
            // Methods and versions that are not known are _OTHER; a route is its template, an error a type or a status.
            "http.request.method", "http.response.status_code", "http.route", "url.scheme", "error.type", "http.connection.state",
            "network.protocol.name", "network.protocol.version", "network.transport", "network.type", "tls.protocol.version",
            "aspnetcore.diagnostics.exception.result", "aspnetcore.diagnostics.handler.type", "aspnetcore.request.is_unhandled",
        ],
    };

    /// <summary>
    /// What a metric keeps: ours, whose labels we choose, and those of the runtime, which know no clients, all labels. Those by
    /// replica have as many series as there were replicas in the life of a gateway, and those by topic as many as configuration says: they
    /// keep the exporter's limit (null).
    /// </summary>
    public static MetricStreamConfiguration? View(Instrument instrument) => instrument.Meter.Name switch
    {
        MetricNames.Meter => instrument.Name.StartsWith("sse_gateway_", StringComparison.Ordinal) || instrument.Name.StartsWith("sse_topic_", StringComparison.Ordinal) ? null : s_few,
        "System.Runtime" => s_few,
        "Microsoft.AspNetCore.Hosting" when instrument.Name is "http.server.active_requests" or "http.server.request.duration" => s_server,
        // Two changes of each for a request that is forwarded, and without the replica's address they are sums that say nothing: what
        // is under way at which replica is in our own.
        "System.Net.Http" when instrument.Name is "http.client.active_requests" or "http.client.open_connections" => MetricStreamConfiguration.Drop,
        var name => name.StartsWith("OpenTelemetry.", StringComparison.Ordinal) ? null : s_bounded,
    };
}
