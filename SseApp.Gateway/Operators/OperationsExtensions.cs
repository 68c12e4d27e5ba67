using SseApp.Gateway.Streams;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Gateway.Operators;

internal static class OperationsExtensions
{
    /// <summary>Adds what operators do to replicas (drain, rolling reload, recycling) and the drain of the gateway itself.</summary>
    public static IServiceCollection AddOperations(this IServiceCollection services)
    {
        services.AddValidatedOptions<ReloadOptions>(ReloadOptions.SectionName);
        services.AddValidatedOptions<RecycleOptions>(RecycleOptions.SectionName);
        services.AddDrain<StreamDrain>();

        services.AddLeases();
        services.AddSingleton<ReplicaViews>();
        services.AddSingleton<DrainCommand>();
        services.AddSingleton<IReloadStore, RedisReloadStore>();
        services.AddSingleton<ReplicaReplacement>();
        services.AddSingleton<RollingReload>();
        services.AddHostedService<Recycler>();
        return services;
    }
}
