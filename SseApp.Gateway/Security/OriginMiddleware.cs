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
    private const string ListIt =
        $"List it in {CrossOriginOptions.SectionName}:{nameof(CrossOriginOptions.Origins)}; if it is the gateway's own, behind a proxy, list the proxy in Proxies:Known.";

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

        metrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", PageOrigin.Foreign));
        if (HttpMethods.IsGet(context.Request.Method) && ClientRequest.Of(context) is { IsStream: true, AcceptsEventStream: true })
        {
            return AccessRefusal.WriteStreamAsync(context, AuthReason.ForeignOrigin);
        }

        context.Response.Headers.CacheControl = "no-store";
        return Problems.WriteAsync(context, StatusCodes.Status403Forbidden, DetailOf(context.Request, foreign), PageOrigin.Foreign);
    }

    private static string DetailOf(HttpRequest request, bool foreign) =>
        foreign ? $"Pages of this origin may not publish here. {ListIt}"
        : PageOrigin.IsOtherPage(request) ? $"Pages of this origin may not use the cookie. {ListIt}"
        : "Whoever changes something with a cookie has to send the page's Origin, as browsers do. Programs send 'Authorization: Bearer' with the token instead.";

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

        var origins = context.Services.GetRequiredService<IOptions<CrossOriginOptions>>().Value.Origins;
        context.AddRequestTransform(transform =>
        {
            var (request, headers) = (transform.HttpContext.Request, transform.ProxyRequest.Headers);
            if (request.Headers.Origin is [{ } origin] && PageOrigin.IsOtherPage(request) && PageOrigin.IsListed(request, origins))
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
