using System.ComponentModel.DataAnnotations;

namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>Part of section <c>Streaming</c>: how streams reach their clients, in replicas and gateways alike.</summary>
public sealed class StreamTransportOptions
{
    public const string SectionName = "Streaming";

    /// <summary>
    /// Write streams on HTTP/1.1 without TLS straight to their sockets. Default true; the other way is slower, and
    /// the only one for everything else.
    /// </summary>
    public bool DirectSocketWrites { get; set; } = true;

    /// <summary>
    /// A peer that answers neither data nor TCP keepalive probes for this long is gone; half-open connections end then.
    /// Default 40 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:04", "02:00:00")]
    public TimeSpan PeerTimeout { get; set; } = TimeSpan.FromSeconds(40);
}
