using SseApp.ServiceDefaults.Defaults.Health;
using Yarp.ReverseProxy.Configuration.ClusterValidators;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;

namespace SseApp.Gateway.Balancing;

internal static class BalancingExtensions
{
    /// <summary>Adds the policies, the ledger that they share, and the check of what configures them.</summary>
    public static IServiceCollection AddBalancing(this IServiceCollection services)
    {
        services.AddValidatedOptions<BalancingOptions>(BalancingOptions.SectionName);
        services.AddSingleton<IValidateOptions<BalancingOptions>, BalancingOptionsValidator>();
        services.AddSingleton<IClusterValidator, DestinationMetadataValidator>();
        services.AddSingleton<LoadLedger>();
        services.AddSingleton(static provider => new ConnectionCount(() => provider.GetRequiredService<LoadLedger>().TotalStreams));
        services.AddSingleton<ReplicaGauges>();
        services.ActivateSingleton<ReplicaGauges>();
        services.AddSingleton<ILoadBalancingPolicy, IpHashPolicy>();
        services.AddSingleton<ILoadBalancingPolicy, LeastConnectionsPolicy>();
        services.AddSingleton<ILoadBalancingPolicy, WeightedRoundRobinPolicy>();
        services.AddSingleton<IAvailableDestinationsPolicy, PrimaryThenBackupPolicy>();
        return services;
    }
}
