using Yarp.ReverseProxy.Forwarder;

namespace SseApp.Gateway.Forwarding;

/// <summary>
/// Puts a <see cref="Refusal"/> where YARP would answer 502, 503 or 504 with nothing. Statuses that a replica answered
/// itself pass unchanged.
/// </summary>
internal sealed class RefusalMiddleware(RequestDelegate next, RefusalWriter writer, IHostApplicationLifetime application)
{
    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);

        if (context.Features.Get<IForwarderErrorFeature>() is not { } failure
            || context.Response.HasStarted
            || context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        if (Translate(failure.Error, context.Response.StatusCode) is { } refusal)
        {
            await writer.WriteAsync(context, refusal);
        }
    }

    private Refusal? Translate(ForwarderError error, int status) => error switch
    {
        ForwarderError.NoAvailableDestinations => Refusal.NoReplica,
        ForwarderError.RequestCanceled or ForwarderError.RequestBodyCanceled or ForwarderError.ResponseBodyCanceled
            when application.ApplicationStopping.IsCancellationRequested => Refusal.Stopping,
        _ => status switch
        {
            StatusCodes.Status502BadGateway => Refusal.Unreachable,
            StatusCodes.Status503ServiceUnavailable => Refusal.NoReplica,
            StatusCodes.Status504GatewayTimeout => Refusal.TimedOut,
            _ => null, // The client's own fault, as 400, 408 and 413.
        },
    };
}
