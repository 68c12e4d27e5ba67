using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Dcp;

internal static class OrchestrationExtensions
{
    public static IServiceCollection AddOrchestration(this IServiceCollection services) => services;
}
