using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Requests;

/// <summary>What a response that lasts for hours must not be measured by.</summary>
internal static class LongResponse
{
    public static void Begin(HttpContext context)
    {
        context.Features.Get<ClientConnection>()?.ExpectStream();
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        BeginAny(context);
    }

    /// <summary>
    /// The same for one whose body lasts as long, of which nothing was read. Its client owes something, and has to take its
    /// results in time as it would any other answer.
    /// </summary>
    public static void BeginExchange(HttpContext context)
    {
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        BeginAny(context);
    }

    private static void BeginAny(HttpContext context)
    {
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
        // It would make the histogram of request durations useless.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } tags)
        {
            tags.MetricsDisabled = true;
        }
    }
}
