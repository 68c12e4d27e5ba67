using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>Holds a client to its publish rate.</summary>
internal sealed class PublishLimitMiddleware(RequestDelegate next, RequestRates rates, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        return request is { IsPublish: true, IsCanary: false } ? PublishAsync(context, request) : next(context);
    }

    private async Task PublishAsync(HttpContext context, ClientRequest request)
    {
        if (await rates.TryPublishAsync(context) is { } retryAfter)
        {
            await refusals.WriteAsync(context, Refusal.PublishRate, retryAfter);
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            rates.End(context, request);
        }
    }
}
