using Microsoft.Extensions.Options;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.ServiceDefaults.Cluster.Replicas;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Events.Replicas;

internal static class ReplicaExtensions
{
    /// <summary>Adds the replica's identity, its registration, and the drain that ends it.</summary>
    public static IHostApplicationBuilder AddReplica(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<ReplicaOptions>(ReplicaOptions.SectionName);
        builder.Services.AddValidatedOptions<DrainOptions>(DrainOptions.SectionName);
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<DrainOptions>>((host, drain) =>
            host.ShutdownTimeout = drain.Value.Window + Shard.DrainCloseTimeout + TimeSpan.FromSeconds(3));
        builder.Services.AddReplicaRegistry();
        builder.Services.AddSingleton<ReplicaIdentity>();
        builder.Services.AddSingleton<SchedulingDelay>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SchedulingDelay>());
        builder.Services.AddSingleton<DrainState>();
        builder.Services.AddHostedService<DrainService>();
        builder.Services.AddHostedService<ReplicaRegistration>();
        builder.Services.AddSingleton<Rebalancer>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Rebalancer>());
        builder.Services.AddHostedService<CommandListener>();
        builder.Services.AddHealthChecks().AddCheck<DrainHealthCheck>("drain", tags: [HealthTags.Ready]);
        return builder;
    }
}
