using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>Part of section <c>Streaming</c>: how streams reach their clients, in replicas and gateways alike.</summary>
internal sealed class StreamTransportOptions
{
    public const string SectionName = "Streaming";

    /// <summary>
    /// Write streams on HTTP/1.1 without TLS straight to their sockets. Default true; the other way is slower, and
    /// the only one for everything else.
    /// </summary>
    public bool DirectSocketWrites { get; set; } = true;

    /// <summary>
    /// A connection whose peer acknowledges neither data nor TCP keepalive probes for this long is closed; this ends half-open connections.
    /// Default 40 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:04", "02:00:00")]
    public TimeSpan PeerTimeout { get; set; } = TimeSpan.FromSeconds(40);
}

internal static class StreamTransportExtensions
{
    /// <summary>Adds the ways to write to the clients of streams, and the settings of the server's sockets that they rely on.</summary>
    public static IServiceCollection AddStreamTransport(this IServiceCollection services)
    {
        services.AddValidatedOptions<StreamTransportOptions>(StreamTransportOptions.SectionName);
        services.ConfigureOptions<StreamTransport>();
        services.AddSingleton<StreamWriterFactory>();
        return services;
    }
}
