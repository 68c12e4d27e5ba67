namespace SseApp.ServiceDefaults.Cluster.Leases;

/// <summary>Names of the cluster's leases.</summary>
public static class LeaseNames
{
    /// <summary>Held by whoever takes a replica out on purpose: a rolling reload, or a replica that leaves because of its memory.</summary>
    public const string Reload = "reload";

    /// <summary>Held by a gateway that leaves because of its memory.</summary>
    public const string GatewayLeaves = "gateway-leaves";
}
