using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace SseApp.ServiceDefaults.Replicas;

public static class ReplicaRegistryExtensions
{
    /// <summary>Adds <see cref="IReplicaRegistry"/> on the application's Redis connection, with section <c>ReplicaRegistry</c>.</summary>
    public static IServiceCollection AddReplicaRegistry(this IServiceCollection services)
    {
        services.AddOptions<ReplicaRegistryOptions>()
            .BindConfiguration(ReplicaRegistryOptions.SectionName)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton<IReplicaRegistry, RedisReplicaRegistry>();
        return services;
    }
}
