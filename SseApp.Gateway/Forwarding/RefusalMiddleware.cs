using Microsoft.AspNetCore.Http.Timeouts;
using SseApp.Gateway.Health;
using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Forwarding;

/// <summary>
/// Puts a <see cref="Refusal"/> where YARP would answer 502, 503 or 504 with nothing, and where such a status of a replica
/// or service would close an EventSource for ever. To everybody else statuses that a replica answered pass unchanged.
/// </summary>
internal sealed partial class RefusalMiddleware(
    RequestDelegate next, RefusalWriter writer, IHostApplicationLifetime application, ILogger<RefusalMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (Exception exception) when (MustSurvive(context, exception))
        {
            LogFailed(exception, context.Request.Path);
            await writer.WriteAsync(context, Refusal.Failed);
            return;
        }

        if (context.Features.Get<IForwarderErrorFeature>() is not { } failure || context.Response.HasStarted)
        {
            return;
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            // YARP takes the time limit of the request for a client that left; the timeout middleware
            // recognises it by this exception and writes the answer.
            context.Features.Get<IHttpRequestTimeoutFeature>()?.RequestTimeoutToken.ThrowIfCancellationRequested();
            return;
        }

        if (failure is UpstreamRefusal refused)
        {
            await writer.WriteAsync(context, refused.ToRefusal(), refused.RetryAfter);
        }
        else if (failure is RefusedForward own)
        {
            await writer.WriteAsync(context, own.Refusal);
        }
        else if (failure.Error == ForwarderError.RequestTimedOut && !ForwardFailure.NeverSent(failure) && RequestBodies.IsOwed(context))
        {
            // It was the client that everybody waited for.
            context.Response.StatusCode = StatusCodes.Status408RequestTimeout;
        }
        else if (Translate(failure.Error, context.Response.StatusCode) is { } refusal)
        {
            await writer.WriteAsync(context, refusal);
        }
    }

    // A mistake of ours must not become a 500 that closes an EventSource for ever.
    private static bool MustSurvive(HttpContext context, Exception exception) =>
        exception is not BadHttpRequestException
        && !context.Response.HasStarted
        && !context.RequestAborted.IsCancellationRequested
        && ClientRequest.Of(context).AcceptsEventStream;

    [LoggerMessage(LogLevel.Error, "Forwarding the stream {Path} failed; its client was asked to reconnect.")]
    private partial void LogFailed(Exception exception, PathString path);

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
