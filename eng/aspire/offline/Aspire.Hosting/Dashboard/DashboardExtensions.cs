using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Dashboard;

internal static class DashboardExtensions
{
    public static IServiceCollection AddDashboard(this IServiceCollection services) => services;
}
