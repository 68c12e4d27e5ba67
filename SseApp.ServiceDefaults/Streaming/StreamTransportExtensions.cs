using Microsoft.Extensions.DependencyInjection;

namespace SseApp.ServiceDefaults.Streaming;

internal static class StreamTransportExtensions
{
    /// <summary>Adds the ways to write to the clients of streams, and the settings of the server's sockets that they rely on.</summary>
    public static IServiceCollection AddStreamTransport(this IServiceCollection services)
    {
        services.AddOptions<StreamTransportOptions>()
            .BindConfiguration(StreamTransportOptions.SectionName).ValidateDataAnnotations().ValidateOnStart();
        services.ConfigureOptions<StreamTransport>();
        services.AddSingleton<StreamWriterFactory>();
        return services;
    }
}
