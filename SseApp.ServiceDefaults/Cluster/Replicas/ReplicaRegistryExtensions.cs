using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

public static class ReplicaRegistryExtensions
{
    /// <summary>
    /// Adds <see cref="IReplicaRegistry"/>, <see cref="IReplicaCommands"/>, <see cref="IRestartLedger"/> and what operator requests are signed with, on the
    /// application's Redis connection, with section <c>ReplicaRegistry</c>.
    /// </summary>
    public static IServiceCollection AddReplicaRegistry(this IServiceCollection services)
    {
        services.AddValidatedOptions<ReplicaRegistryOptions>(ReplicaRegistryOptions.SectionName);
        services.TryAddSingleton<IReplicaRegistry, RedisReplicaRegistry>();
        services.TryAddSingleton<IReplicaCommands, RedisReplicaCommands>();
        services.TryAddSingleton<IRestartLedger, RedisRestartLedger>();
        services.TryAddSingleton<IOperatorKey, RedisOperatorKey>();
        services.TryAddSingleton<OperatorSignature>();
        return services;
    }
}
