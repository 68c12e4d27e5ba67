using Microsoft.Extensions.DependencyInjection;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Writers;

internal static class StreamTransportExtensions
{
    /// <summary>Adds the ways to write to the clients of streams, and the settings of the server's sockets that they rely on.</summary>
    public static IServiceCollection AddStreamTransport(this IServiceCollection services)
    {
        services.AddValidatedOptions<StreamTransportOptions>(StreamTransportOptions.SectionName);
        services.ConfigureOptions<StreamTransport>();
        services.AddSingleton<StreamWriterFactory>();
        return services;
    }
}
