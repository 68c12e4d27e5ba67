using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using SseApp.Gateway.Lifetime;
using SseApp.Gateway.Routing;

namespace SseApp.Gateway.Forwarding;

/// <summary>Sets a stream request apart from others: no minimum rate, no time limit, no duration metric, a clean end when the gateway stops.</summary>
internal sealed class StreamMiddleware(RequestDelegate next, StreamDrain drain)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (!StreamRequests.IsStream(context.Request))
        {
            await next(context);
            return;
        }

        // Kestrel would abort a client that reads one write slower than 240 bytes/s.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        // Routes from configuration may carry streams too; only the replicas' own is known beforehand.
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();

        // A stream lasts hours and would make the histogram of request durations useless.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } tags)
        {
            tags.MetricsDisabled = true;
        }

        await StreamLifetime.RunAsync(context, next, drain.NextEnd());
    }
}
