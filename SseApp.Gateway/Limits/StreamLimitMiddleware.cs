using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Defaults.Descriptors;

namespace SseApp.Gateway.Limits;

/// <summary>Keeps one client, or all together, from opening more streams than configured, or too fast.</summary>
internal sealed class StreamLimitMiddleware(RequestDelegate next, StreamCounts counts, RequestRates rates, DescriptorBudget descriptors, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        if (!request.IsStream)
        {
            return next(context);
        }

        var client = request.Client;
        switch (counts.TryEnter(client))
        {
            case StreamAdmission.ClientFull:
                return refusals.WriteAsync(context, Refusal.TooManyStreams);
            case StreamAdmission.GatewayFull:
                return refusals.WriteAsync(context, Refusal.GatewayFull);
        }

        // After the counts: a client that has all its streams and keeps trying must not use up what others of its
        // address need to reconnect.
        if (rates.TryConnect(context) is { } retryAfter)
        {
            counts.Leave(client);
            return refusals.WriteAsync(context, Refusal.ConnectRate, retryAfter);
        }

        if (!descriptors.TryEnterStream(context))
        {
            counts.Leave(client);
            return refusals.WriteAsync(context, Refusal.OpenFiles);
        }

        return ForwardAsync(context, client);
    }

    private async Task ForwardAsync(HttpContext context, ClientKey client)
    {
        try
        {
            await next(context);
        }
        finally
        {
            descriptors.LeaveStream(context);
            counts.Leave(client);
        }
    }
}
