using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Descriptors;

internal static class DescriptorExtensions
{
    /// <summary>Keeps the process within its limit of open files; section <c>Descriptors</c>.</summary>
    internal static void AddDescriptors(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddValidatedOptions<DescriptorOptions>(DescriptorOptions.SectionName);
        services.TryAddSingleton<DescriptorSource>();
        services.AddSingleton<DescriptorBudget>();
        services.AddSingleton<RefusedConnections>();
        services.AddHostedService(static provider => provider.GetRequiredService<RefusedConnections>());
        services.AddSingleton<ConnectionAdmission>();
        services.AddSingleton(provider => new DescriptorCount(() =>
            provider.GetRequiredService<DescriptorBudget>() is { IsLimited: true } budget ? (budget.Open, budget.Limit) : null));
        services.AddHostedService<DescriptorWatch>();
        services.AddSingleton<IStartupFilter, DescriptorMiddleware>();
        // Of several the server takes the last.
        services.AddSingleton<IConnectionListenerFactory>(provider => ActivatorUtilities.CreateInstance<DescriptorListenerFactory>(
            provider, ActivatorUtilities.CreateInstance<SocketTransportFactory>(provider)));
        services.AddHealthChecks().AddCheck<DescriptorHealthCheck>("descriptors", tags: [HealthTags.Ready]);
    }
}
