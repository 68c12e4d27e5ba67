using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dcp;

/// <summary>Registers the orchestrator that runs resources on DCP.</summary>
internal static class OrchestrationExtensions
{
    public static IServiceCollection AddOrchestration(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<DcpOptions>().ValidateDataAnnotations();
        services.AddSingleton<IConfigureOptions<DcpOptions>>(provider => new ConfigureDcpOptions(
            provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<DistributedApplicationOptions>().Assembly));
        services.AddSingleton<DcpHost>();
        services.AddSingleton<DcpInfoReader>();
        services.AddSingleton<ResourceUrls>();
        services.AddSingleton<DependencyWaits>();
        services.AddSingleton<ChildStates>();
        services.AddSingleton<WorkloadMonitorServices>();
        services.AddSingleton<ResourceLifecycle>();
        services.AddSingleton<IDistributedApplicationOrchestrator, DcpOrchestrator>();
        return services;
    }
}
