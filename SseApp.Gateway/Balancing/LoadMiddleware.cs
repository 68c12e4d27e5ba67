using SseApp.Gateway.Routing;

namespace SseApp.Gateway.Balancing;

/// <summary>Counts the request for the destination that was picked, whichever policy picked it.</summary>
internal sealed class LoadMiddleware(RequestDelegate next, LoadLedger ledger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        if (proxy.AvailableDestinations is not [var destination])
        {
            await next(context);
            return;
        }

        var key = LoadLedger.Key(proxy.Cluster.Config.ClusterId, destination.DestinationId);
        var stream = StreamRequests.IsStream(context.Request);
        ledger.Begin(key, stream);
        try
        {
            await next(context);
        }
        finally
        {
            ledger.End(key, stream);
        }
    }
}
