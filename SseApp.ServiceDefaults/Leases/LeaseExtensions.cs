using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.ServiceDefaults.Replicas;

namespace SseApp.ServiceDefaults.Leases;

public static class LeaseExtensions
{
    /// <summary>Adds <see cref="ILeases"/> on the application's Redis connection, under the prefix of section <c>ReplicaRegistry</c>.</summary>
    public static IServiceCollection AddLeases(this IServiceCollection services)
    {
        services.AddReplicaRegistry();
        services.TryAddSingleton<ILeases, RedisLeases>();
        return services;
    }
}
