using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Balancing;

/// <summary>Counts the request for the destination that was picked, whichever policy picked it, until it is over.</summary>
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

        if (context.Features.Get<CountedPick>() is not { } pick)
        {
            // A policy that does not count, or nothing to choose from.
            pick = new CountedPick(
                LoadLedger.Key(proxy.Cluster.Config.ClusterId, destination.DestinationId), ClientRequest.Of(context).CountsAsStream);
            ledger.Begin(pick);
        }

        try
        {
            await next(context);
        }
        finally
        {
            ledger.End(pick);
            context.Features.Set<CountedPick>(null);
        }
    }
}
