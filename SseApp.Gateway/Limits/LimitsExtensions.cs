using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Limits;

internal static class LimitsExtensions
{
    public static void AddLimits(this IServiceCollection services)
    {
        services.AddValidatedOptions<LimitsOptions>(LimitsOptions.SectionName);
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, KestrelSetup>();
        services.AddSingleton<IConfigureOptions<RequestTimeoutOptions>, RequestTimeoutSetup>();
        services.AddRequestTimeouts();
        services.AddSingleton<RequestRates>();
        services.AddSingleton<RefusalPace>();
        services.AddSingleton<TopicCounts>();
        services.AddSingleton(provider => new StreamCounts(provider.GetRequiredService<IOptions<LimitsOptions>>().Value.StreamsPerGateway));
        services.AddSingleton(provider => new SendLimit(
            provider.GetRequiredService<IOptions<LimitsOptions>>().Value.SendTimeout,
            () => provider.GetRequiredService<RefusedConnections>().Count(RefusedConnections.NotRead)));
        services.AddSingleton(provider =>
        {
            var frames = provider.GetRequiredService<GatewayMetrics>().Http2Frames;
            return new FrameCount(type => frames.Add(1, new KeyValuePair<string, object?>("type", type)));
        });
        services.AddSingleton<PeerConnections>();
        services.AddSingleton<IPeerLimit>(provider => provider.GetRequiredService<PeerConnections>());
        services.AddHostedService(provider => provider.GetRequiredService<PeerConnections>());
        services.AddSingleton<AcceptGate>();
    }
}
