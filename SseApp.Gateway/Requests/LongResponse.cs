using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Requests;

/// <summary>What a response that lasts for hours must not be measured by.</summary>
internal static class LongResponse
{
    public static void Begin(HttpContext context)
    {
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
        context.Features.Get<ClientConnection>()?.ExpectStream();
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        // It would make the histogram of request durations useless.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } tags)
        {
            tags.MetricsDisabled = true;
        }
    }
}
