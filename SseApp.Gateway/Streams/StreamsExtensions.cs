using Microsoft.Extensions.Options;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Gateway.Streams;

internal static class StreamsExtensions
{
    /// <summary>Adds the drain of the gateway's own streams when it stops.</summary>
    public static void AddStreams(this IServiceCollection services)
    {
        services.AddValidatedOptions<DrainOptions>(DrainOptions.SectionName);
        services.AddOptions<HostOptions>().Configure<IOptions<DrainOptions>>((host, drain) =>
            host.ShutdownTimeout = drain.Value.Window + TimeSpan.FromSeconds(4));
        services.AddSingleton<StreamDrain>();
        services.AddHostedService(provider => provider.GetRequiredService<StreamDrain>());
    }
}
