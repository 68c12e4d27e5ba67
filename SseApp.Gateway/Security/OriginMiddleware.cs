using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Http;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Security;

/// <summary>
/// Refuses what a page of a foreign origin would publish or delete, and whatever it would do with the cookie that a browser has for
/// the gateway. Only for the replicas: configured services know their own pages, and the operator API has a stricter rule.
/// </summary>
internal sealed class OriginMiddleware(RequestDelegate next, IOptions<CrossOriginOptions> options, GatewayMetrics metrics)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetReverseProxyFeature().Cluster.Config.ClusterId != ReplicaDirectory.ClusterId)
        {
            return next(context);
        }

        var origins = options.Value.Origins;
        var foreign = PageOrigin.IsForeign(context.Request, origins);
        if (!foreign && !SessionCookie.IsForeign(context.Request, origins))
        {
            return next(context);
        }

        metrics.Refused(PageOrigin.Foreign);
        if (HttpMethods.IsGet(context.Request.Method) && ClientRequest.Of(context) is { IsStream: true, AcceptsEventStream: true })
        {
            return AccessRefusal.WriteStreamAsync(context, AuthReason.ForeignOrigin);
        }

        context.Response.Headers.CacheControl = "no-store";
        return Problems.WriteAsync(
            context,
            StatusCodes.Status403Forbidden,
            foreign ? $"Pages of this origin may not publish here. {SessionCookieDetail.ListIt}" : SessionCookieDetail.Of(context.Request),
            PageOrigin.Foreign);
    }

    /// <summary>
    /// A replica knows neither the gateway's origin nor the listed ones; what reaches it has been let through here, and the gateway
    /// names the origin of a page that is not its own.
    /// </summary>
    public static void Apply(TransformBuilderContext context)
    {
        if (!string.Equals(context.Cluster?.ClusterId, ReplicaDirectory.ClusterId, StringComparison.Ordinal))
        {
            return;
        }

        context.AddRequestTransform(static transform =>
        {
            var (request, headers) = (transform.HttpContext.Request, transform.ProxyRequest.Headers);
            // Listed or not: to a ticket a page elsewhere is none of its own.
            if (request.Headers.Origin is [{ } origin] && PageOrigin.IsOtherPage(request))
            {
                // What a client sends under this name is dropped with all that is named so.
                headers.TryAddWithoutValidation(StreamHeaders.Origin, origin);
            }

            if (PageOrigin.MayChange(request.Method))
            {
                headers.Remove("Origin");
                headers.Remove("Sec-Fetch-Site");
            }

            return default;
        });
    }
}
