namespace SseApp.ServiceDefaults.Cluster.Leases;

internal static class LeaseExtensions
{
    /// <summary>Adds <see cref="RedisLeases"/> on the application's Redis connection, which <c>AddClusterRedis</c> adds.</summary>
    public static IServiceCollection AddLeases(this IServiceCollection services)
    {
        services.TryAddSingleton<RedisLeases>();
        return services;
    }
}

/// <summary>Names of the cluster's leases.</summary>
internal static class LeaseNames
{
    /// <summary>Held by whoever takes a replica out on purpose: a rolling reload, or a replica that leaves because of its memory.</summary>
    public const string Reload = "reload";

    /// <summary>Held by a gateway that leaves because of its memory.</summary>
    public const string GatewayLeaves = "gateway-leaves";
}
