using System.ComponentModel;

namespace SseApp.AppHost;

/// <summary>Section <c>Cluster</c>: the shape of the local cluster.</summary>
internal sealed class ClusterOptions
{
    public const string SectionName = "Cluster";

    public const int MaxReplicas = 64;

    /// <summary>Event replicas behind the gateway, 1 to 64; <c>max</c>: one for each processor core (PM2's <c>instances: 'max'</c>). Default 3.</summary>
    [Range(1, MaxReplicas), Description("a whole number from 1 to 64, or max (one for each processor core)")]
    public int Replicas { get; set; } = 3;

    /// <summary>Port that the gateway binds, or 0 for any free one. Default 8080.</summary>
    [Range(0, 65535)]
    public int GatewayPort { get; set; } = 8080;

    /// <summary>
    /// Port of the dashboard, or 0 for any free one; its telemetry endpoint and the resource service then take free ones.
    /// Default: the three addresses in the launch profile (15080, 19080 and 20080).
    /// </summary>
    [Range(0, 65535)]
    public int? DashboardPort { get; set; }

    /// <summary>Prefix of all keys in Redis, for several clusters on one Redis; the services get it. Default: theirs.</summary>
    [RegularExpression("^[A-Za-z0-9_.-]{1,64}$")]
    public string? KeyPrefix { get; set; }

    /// <summary>The gateway's port as the application model wants it: null asks for a free one.</summary>
    public int? FixedGatewayPort => GatewayPort == 0 ? null : GatewayPort;
}
