using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>
/// Cuts off a client that takes a response more slowly than <see cref="LimitsOptions.MinResponseRate"/>: until then it holds
/// buffers here and a page of the log in a replica. Never for event streams, and over HTTP/1.1 alone: see <see cref="KestrelSetup"/>.
/// </summary>
internal sealed class ResponseRateMiddleware(RequestDelegate next, IOptions<LimitsOptions> limits)
{
    // The least that the platform allows before it looks at the rate.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);

    private readonly MinDataRate? _rate = limits.Value.MinResponseRate is > 0 and var rate ? new MinDataRate(rate, s_grace) : null;

    public Task InvokeAsync(HttpContext context)
    {
        if (!ClientRequest.Of(context).IsStream
            && context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true }
            && context.Features.Get<IHttpMinResponseDataRateFeature>() is { } feature)
        {
            feature.MinDataRate = _rate;
        }

        return next(context);
    }
}
