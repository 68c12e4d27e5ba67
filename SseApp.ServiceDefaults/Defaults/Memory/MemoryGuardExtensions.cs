using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Memory;

public static class MemoryGuardExtensions
{
    /// <summary>Adds the memory guard; section <c>MemoryGuard</c>.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="lease">Processes that must not leave at the same time have the same one; see <see cref="LeaseNames"/>.</param>
    public static IHostApplicationBuilder AddMemoryGuard(this IHostApplicationBuilder builder, string lease)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddValidatedOptions<MemoryGuardOptions>(MemoryGuardOptions.SectionName);
        builder.Services.AddLeases();
        builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<MemoryGuard>(services, lease));
        return builder;
    }
}
