using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Defaults.Descriptors;

namespace SseApp.Gateway.Limits;

/// <summary>Keeps one client, or all together, from opening more streams and topics than configured, or too fast.</summary>
internal sealed class StreamLimitMiddleware(
    RequestDelegate next, StreamCounts counts, TopicCounts topics, RequestRates rates, DescriptorBudget descriptors, RetrySpread spread, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        if (!request.CountsAsStream)
        {
            return next(context);
        }

        var (client, budget) = (request.Account, request.Budget);
        switch (counts.TryEnter(client, budget.Streams))
        {
            case StreamAdmission.ClientFull:
                return refusals.WriteAsync(context, Refusal.TooManyStreams);
            case StreamAdmission.GatewayFull:
                return refusals.WriteAsync(context, Refusal.GatewayFull);
        }

        // After the counts: a client that has all its streams and keeps trying must not use up what others of its
        // address need to reconnect.
        if (rates.TryConnect(request) is { } retryAfter)
        {
            counts.Leave(client, budget.Streams);
            return refusals.WriteAsync(context, Refusal.ConnectRate, retryAfter);
        }

        if (topics.TryEnter(client, budget.Topics, TopicsOf(context, budget)) is { } forgotten)
        {
            counts.Leave(client, budget.Streams);
            return refusals.WriteAsync(context, Refusal.Topics, forgotten);
        }

        // What limits of one client refuse is not counted: nobody else's time is longer for it.
        spread.Opened();
        if (!descriptors.TryEnterStream(context))
        {
            Leave(context, client, budget);
            return refusals.WriteAsync(context, Refusal.OpenFiles);
        }

        return ForwardAsync(context, client, budget);
    }

    // As the replica reads them. Not the request's own query, which would be kept as long as the stream; when that ends they
    // are read again.
    private static uint[] TopicsOf(HttpContext context, ClientBudget budget) =>
        budget.Topics > 0 && HttpMethods.IsGet(context.Request.Method) && EventStreams.IsPath(context.Request.Path.Value)
            ? TopicCounts.Hashes(new QueryFeature(context.Features).Query["topic"])
            : [];

    private async Task ForwardAsync(HttpContext context, ClientKey client, ClientBudget budget)
    {
        try
        {
            await next(context);
        }
        finally
        {
            descriptors.LeaveStream(context);
            Leave(context, client, budget);
        }
    }

    private void Leave(HttpContext context, ClientKey client, ClientBudget budget)
    {
        topics.Leave(client, budget.Topics, TopicsOf(context, budget));
        counts.Leave(client, budget.Streams);
    }
}
