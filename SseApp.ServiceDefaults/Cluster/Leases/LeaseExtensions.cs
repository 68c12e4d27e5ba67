using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace SseApp.ServiceDefaults.Cluster.Leases;

public static class LeaseExtensions
{
    /// <summary>Adds <see cref="ILeases"/> on the application's Redis connection, which <c>AddClusterRedis</c> adds.</summary>
    public static IServiceCollection AddLeases(this IServiceCollection services)
    {
        services.TryAddSingleton<ILeases, RedisLeases>();
        return services;
    }
}
