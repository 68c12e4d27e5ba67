using Aspire.Hosting.Lifecycle;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dashboard;

/// <summary>Registers the dashboard and the service it asks.</summary>
internal static class DashboardExtensions
{
    public static IServiceCollection AddDashboard(this IServiceCollection services)
    {
        services.AddHttpClient();
        services.AddSingleton<IConfigureOptions<DashboardOptions>, ConfigureDashboardOptions>();
        services.AddSingleton<DashboardServiceHost>();
        services.AddHostedService(provider => provider.GetRequiredService<DashboardServiceHost>());
        services.AddSingleton<IDistributedApplicationEventingSubscriber, DashboardLifecycle>();

        // The resource service's requests are the dashboard's, not the user's.
        services.AddLogging(logging => logging
            .AddFilter("Microsoft.AspNetCore.Hosting", LogLevel.Warning)
            .AddFilter("Microsoft.AspNetCore.Routing", LogLevel.Warning));
        return services;
    }
}
