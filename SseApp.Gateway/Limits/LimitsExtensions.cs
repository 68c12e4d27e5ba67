using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using SseApp.Gateway.Clients;

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
        services.AddSingleton(provider =>
        {
            var limits = provider.GetRequiredService<IOptions<LimitsOptions>>().Value;
            return new StreamCounts(limits.StreamsPerAddress, limits.StreamsPerGateway);
        });
    }
}
