using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Http;

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
            log.Write(Entry(context, path, traffic, beganAt, time.GetElapsedTime(began), failed));
        }
    }

    private AccessLogEntry Entry(HttpContext context, string path, ResponseTraffic traffic, DateTimeOffset beganAt, TimeSpan duration, bool failed)
    {
        var request = context.Request;
        var response = context.Response;
        var left = context.RequestAborted.IsCancellationRequested;
        return new AccessLogEntry
        {
            Time = beganAt.UtcDateTime,
            DurationMs = Math.Round(duration.TotalMilliseconds, 3),
            Client = context.Connection.RemoteIpAddress?.ToString(),
            Method = CredentialText.Hide(request.Method),
            Scheme = request.Scheme,
            Host = CredentialText.Hide(UserInfo.HideInAddress(request.Host.Value ?? "")),
            Path = CredentialText.HideAnywhere(LoggedUrl.Path(path)),
            Query = CredentialText.Hide(LoggedUrl.Query(request.QueryString.Value ?? "", options.Value.ShownQuery, options.Value.HiddenQuery)),
            Protocol = request.Protocol,
            Status = response.HasStarted ? response.StatusCode
                : left ? ClientClosedRequest
                : failed ? StatusCodes.Status500InternalServerError
                : response.StatusCode,
            Bytes = HttpMethods.IsHead(request.Method) ? 0 : traffic.Bytes,
            Events = traffic.Events,
            ClientLeft = left,
            Replica = context.Features.Get<IReverseProxyFeature>()?.ProxiedDestination?.DestinationId,
            UserAgent = CredentialText.HideAnywhere(HeaderText.Readable(UserInfo.Hide(request.Headers.UserAgent.ToString()))),
            Referer = CredentialText.HideAnywhere(HeaderText.Readable(LoggedUrl.Referer(request.Headers.Referer.ToString()))),
            RequestId = Problems.RequestId(context),
        };
    }
}
