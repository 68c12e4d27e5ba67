using Yarp.ReverseProxy.Health;

namespace SseApp.Gateway.Health;

internal static class ReplicaHealthExtensions
{
    public static void AddReplicaHealth(this IServiceCollection services)
    {
        services.AddValidatedOptions<ReplicaHealthOptions>(ReplicaHealthOptions.SectionName);
        services.AddSingleton<LostReplicas>();
        services.AddHostedService(provider => provider.GetRequiredService<LostReplicas>());
        services.AddSingleton<IPassiveHealthCheckPolicy, MaxFailsHealthPolicy>();
        services.AddSingleton<IProbingRequestFactory, ReplicaProbes>();
    }
}
