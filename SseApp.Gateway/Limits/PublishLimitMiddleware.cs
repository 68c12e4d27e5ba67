using SseApp.Gateway.Refusals;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>Holds a client to its publish rate.</summary>
internal sealed class PublishLimitMiddleware(RequestDelegate next, RequestRates rates, StreamCounts counts, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        if (request is not { IsPublish: true, IsCanary: false })
        {
            return next(context);
        }

        // Another service may have the same path under another host.
        request.IsPublishStream = PublishStreams.IsAsked(context.Request) && PublishRequests.IsBatch(context.Request.Path)
            && context.GetReverseProxyFeature().Cluster.Config.ClusterId == ReplicaDirectory.ClusterId;
        return request.IsPublishStream ? StreamAsync(context, request) : PublishAsync(context, request);
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

    // Nothing of it is charged before it is read. Open, it takes as much as a stream, which it counts as.
    private async Task StreamAsync(HttpContext context, ClientRequest request)
    {
        var admission = counts.TryEnter(request.Account, request.Budget.Streams);
        if (admission != StreamAdmission.Admitted)
        {
            await refusals.WriteAsync(context, admission == StreamAdmission.ClientFull ? Refusal.TooManyStreams : Refusal.GatewayFull);
            return;
        }

        var meter = rates.Meter(context);
        context.Features.Set(meter);
        try
        {
            await (rates.TryConnect(request) is { } retryAfter ? refusals.WriteAsync(context, Refusal.ConnectRate, retryAfter) : next(context));
        }
        finally
        {
            meter?.End(isKnown: false);
            counts.Leave(request.Account, request.Budget.Streams);
        }
    }
}
