using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>Holds a client to its rate of reading topics and histories, and to so many at once.</summary>
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

        try
        {
            await (rates.TryRead(request) is { } retryAfter ? refusals.WriteAsync(context, Refusal.ReadRate, retryAfter) : next(context));
        }
        finally
        {
            _reads.Remove(client, atOnce);
        }
    }
}
