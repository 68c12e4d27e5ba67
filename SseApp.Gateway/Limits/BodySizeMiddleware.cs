using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;

namespace SseApp.Gateway.Limits;

/// <summary>
/// Answers a body over the limit with 413 and the limit. One that declares its length never reaches a replica; of one
/// that does not, the server finds out while it is forwarded, and the replica sees a request that broke off.
/// </summary>
internal sealed class BodySizeMiddleware(RequestDelegate next, RequestRates rates, GatewayMetrics metrics)
{
    public Task InvokeAsync(HttpContext context) =>
        // It has no end; its replica limits each line.
        ClientRequest.Of(context).IsPublishStream ? next(context) : LimitAsync(context);

    private async Task LimitAsync(HttpContext context)
    {
        // A route from configuration may have a limit of its own; -1 means none.
        var limit = context.GetRouteModel().Config.MaxRequestBodySize
            ?? context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize
            ?? -1;
        if (limit >= 0 && context.Request.ContentLength > limit)
        {
            // As a publish it costs an event: nothing of the body was taken, whatever length it says.
            rates.Settle(ClientRequest.Of(context), events: 1, bytes: 0);
            await WriteAsync(context, limit);
            return;
        }

        await next(context);

        if (context.Response is { HasStarted: false, StatusCode: StatusCodes.Status413PayloadTooLarge }
            && context.Features.Get<IForwarderErrorFeature>() is not null)
        {
            context.Response.Clear();
            await WriteAsync(context, limit);
        }
    }

    private Task WriteAsync(HttpContext context, long limit)
    {
        metrics.Refused(GatewayMetrics.BodyTooLarge);

        // The server closes a connection whose body it will not read; unannounced, the client's next request would be lost.
        if (HttpProtocol.IsHttp11(context.Request.Protocol))
        {
            context.Response.Headers.Connection = "close";
        }

        return Problems.WriteAsync(
            context,
            StatusCodes.Status413PayloadTooLarge,
            string.Create(
                CultureInfo.InvariantCulture,
                $"The body is larger than {limit} bytes; send it in parts or raise {LimitsOptions.SectionName}:{nameof(LimitsOptions.MaxRequestBodyBytes)}."),
            GatewayMetrics.BodyTooLarge);
    }
}
