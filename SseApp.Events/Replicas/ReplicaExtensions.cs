using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.WarmUp;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Replicas;

internal static class ReplicaExtensions
{
    /// <summary>Adds the replica's identity, its registration, and the drain that ends it.</summary>
    public static IHostApplicationBuilder AddReplica(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<ReplicaOptions>(ReplicaOptions.SectionName);
        builder.Services.AddReplicaRegistry();
        builder.Services.AddSingleton<IHostNames, AdvertisedName>();
        builder.Services.AddSingleton<ReplicaIdentity>();
        builder.AddWarmUp<ReplicaWarmUp>();
        builder.Services.AddSingleton<SchedulingDelay>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SchedulingDelay>());
        builder.Services.AddSingleton<DrainState>();
        builder.Services.AddSingleton<LateRequests>();
        builder.Services.AddDrain<DrainService>();
        builder.Services.AddSingleton<ReplicaRegistration>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ReplicaRegistration>());
        builder.Services.AddSingleton<Rebalancer>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Rebalancer>());
        builder.Services.AddHostedService<CommandListener>();
        builder.Services.AddHealthChecks().AddCheck<DrainHealthCheck>("drain", tags: [HealthTags.Ready]);
        return builder;
    }

    /// <summary>Lets a replica that stops know of requests that come all the same. The first middleware of all.</summary>
    public static void UseLateRequests(this IApplicationBuilder app)
    {
        var requests = app.ApplicationServices.GetRequiredService<LateRequests>();
        app.Use((context, next) =>
        {
            requests.Note(context);
            return next(context);
        });
    }
}
