using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>Holds a client to its rate of reading topics and histories, in requests and in bytes, and to so many at once.</summary>
internal sealed class ReadLimitMiddleware(RequestDelegate next, RequestRates rates, RefusalWriter refusals)
{
    private readonly ClientCounts _reads = new();

    public Task InvokeAsync(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        return request.IsRead ? ReadAsync(context, request) : next(context);
    }

    private async Task ReadAsync(HttpContext context, ClientRequest request)
    {
        var (client, atOnce) = (request.Account, request.Budget.ReadsAtOnce);
        if (!_reads.TryAdd(client, atOnce))
        {
            await refusals.WriteAsync(context, Refusal.ReadRate);
            return;
        }

        if (rates.TryRead(request) is { } retryAfter)
        {
            // A refusal may be held back, and is no read meanwhile.
            _reads.Remove(client, atOnce);
            await refusals.WriteAsync(context, Refusal.ReadRate, retryAfter);
            return;
        }

        var traffic = new ResponseTraffic();
        try
        {
            await (request.Budget.ReadBytes.IsLimited ? CountingBody.CountAsync(context, traffic, next) : next(context));
        }
        finally
        {
            rates.ChargeRead(request, traffic.Bytes);
            _reads.Remove(client, atOnce);
        }
    }
}
