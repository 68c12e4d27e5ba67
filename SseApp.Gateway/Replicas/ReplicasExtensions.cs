namespace SseApp.Gateway.Replicas;

internal static class ReplicasExtensions
{
    public static void AddReplicas(this IServiceCollection services)
    {
        services.AddReplicaRegistry();
        services.AddValidatedOptions<UpstreamOptions>(UpstreamOptions.SectionName);
        services.AddValidatedOptions<ReplicaAddressOptions>(ReplicaAddressOptions.SectionName);
        services.AddSingleton<AllowedReplicas>();
        services.AddSingleton<ReplicaDirectory>();
        services.AddHostedService<ReplicaDirectoryUpdater>();
    }
}
