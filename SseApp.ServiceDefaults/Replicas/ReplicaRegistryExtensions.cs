using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.ServiceDefaults.Security;

namespace SseApp.ServiceDefaults.Replicas;

public static class ReplicaRegistryExtensions
{
    /// <summary>
    /// Adds <see cref="IReplicaRegistry"/>, <see cref="IReplicaCommands"/>, <see cref="IRestartLedger"/> and what operator requests are signed with, on the
    /// application's Redis connection, with section <c>ReplicaRegistry</c>.
    /// </summary>
    public static IServiceCollection AddReplicaRegistry(this IServiceCollection services)
    {
        services.AddOptions<ReplicaRegistryOptions>()
            .BindConfiguration(ReplicaRegistryOptions.SectionName)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton<IReplicaRegistry, RedisReplicaRegistry>();
        services.TryAddSingleton<IReplicaCommands, RedisReplicaCommands>();
        services.TryAddSingleton<IRestartLedger, RedisRestartLedger>();
        services.TryAddSingleton<IOperatorKey, RedisOperatorKey>();
        services.TryAddSingleton<OperatorSignature>();
        return services;
    }
}
