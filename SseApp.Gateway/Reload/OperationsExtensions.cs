using Microsoft.Extensions.Options;
using SseApp.Gateway.Admin;
using SseApp.Gateway.Lifetime;
using SseApp.ServiceDefaults.Leases;
using SseApp.ServiceDefaults.Lifetime;

namespace SseApp.Gateway.Reload;

internal static class OperationsExtensions
{
    /// <summary>Adds what operators do to replicas (drain, rolling reload, recycling) and the drain of the gateway itself.</summary>
    public static IServiceCollection AddOperations(this IServiceCollection services)
    {
        services.AddOptions<DrainOptions>().BindConfiguration(DrainOptions.SectionName).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<ReloadOptions>().BindConfiguration(ReloadOptions.SectionName).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<RecycleOptions>().BindConfiguration(RecycleOptions.SectionName).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<HostOptions>().Configure<IOptions<DrainOptions>>((host, drain) =>
            host.ShutdownTimeout = drain.Value.Window + TimeSpan.FromSeconds(4));
        services.AddSingleton<StreamDrain>();
        services.AddHostedService(provider => provider.GetRequiredService<StreamDrain>());

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
