using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Signing;

internal static class SigningExtensions
{
    /// <summary>Adds the cluster's key (section <c>Security</c>), what is signed with it, and the count of what is not.</summary>
    public static IServiceCollection AddClusterSigning(this IServiceCollection services)
    {
        // Several features need it; the second one would bind, validate and start everything once more.
        if (services.Any(static service => service.ImplementationType == typeof(SecurityValidator)))
        {
            return services;
        }

        services.AddValidatedOptions<SecurityOptions>(SecurityOptions.SectionName);
        services.AddSingleton<IValidateOptions<SecurityOptions>, SecurityValidator>();
        services.TryAddSingleton<GatewayKeys>();
        services.TryAddSingleton<RecordSignature>();
        services.TryAddSingleton<SignedRecords>();
        services.TryAddSingleton<RequestSignature>();
        services.TryAddSingleton<ForgedRecords>();
        services.AddHostedService(provider => provider.GetRequiredService<ForgedRecords>());
        return services;
    }
}
