using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>Holds a client to its publish rate.</summary>
internal sealed class PublishLimitMiddleware(RequestDelegate next, RequestRates rates, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context) =>
        ClientRequest.Of(context).IsPublish && rates.TryPublish(context) is { } retryAfter
            ? refusals.WriteAsync(context, Refusal.PublishRate, retryAfter)
            : next(context);
}
