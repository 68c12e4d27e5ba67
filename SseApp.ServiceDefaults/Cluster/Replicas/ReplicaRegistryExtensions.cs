using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Http;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

internal static class ReplicaRegistryExtensions
{
    /// <summary>
    /// Adds <see cref="IReplicaRegistry"/>, <see cref="RedisReplicaCommands"/>, <see cref="IRestartLedger"/> and what replicas are asked with, on the
    /// application's Redis connection, with section <c>ReplicaRegistry</c>.
    /// </summary>
    public static IServiceCollection AddReplicaRegistry(this IServiceCollection services)
    {
        services.AddValidatedOptions<ReplicaRegistryOptions>(ReplicaRegistryOptions.SectionName);
        services.AddClusterSigning();
        services.TryAddSingleton<IReplicaRegistry, RedisReplicaRegistry>();
        services.TryAddSingleton<RedisReplicaCommands>();
        services.TryAddSingleton<IRestartLedger, RedisRestartLedger>();
        services.TryAddSingleton<ReplicaQuestions>();
        services.AddPlainHttpClient(ReplicaQuestions.ClientName, useProxy: false);
        return services;
    }
}
