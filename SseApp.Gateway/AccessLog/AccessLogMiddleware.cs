using SseApp.Gateway.Requests;

namespace SseApp.Gateway.AccessLog;

/// <summary>Puts each request into the access log when it ends. Outside all that answers, so that refusals are logged too.</summary>
internal sealed class AccessLogMiddleware(RequestDelegate next, AccessLogWriter log, IOptions<AccessLogOptions> options, TimeProvider time)
{
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext context)
    {
        var began = time.GetTimestamp();
        var beganAt = time.GetUtcNow();

        // Others may rewrite it on the way; the line should show what the client asked for.
        var path = context.Request.PathBase.Add(context.Request.Path).Value ?? "";
        var traffic = new ResponseTraffic();
        context.Features.Set(traffic);
        var failed = true;
        try
        {
            await CountingBody.CountAsync(context, traffic, next);
            failed = false;
        }
        finally
        {
            log.Write(AccessLogEntry.Of(context, path, traffic, beganAt, time.GetElapsedTime(began), Status(context, failed), options.Value));
        }
    }

    private static int Status(HttpContext context, bool failed) =>
        context.Response.HasStarted ? context.Response.StatusCode
            : context.RequestAborted.IsCancellationRequested ? ClientClosedRequest
            : failed ? StatusCodes.Status500InternalServerError
            : context.Response.StatusCode;
}
