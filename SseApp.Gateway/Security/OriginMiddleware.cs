using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Defaults.Http;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Security;

/// <summary>
/// Answers 403 to what a page of a foreign origin would publish or delete. Only for the replicas: configured services know
/// their own pages, and the operator API has a stricter rule.
/// </summary>
internal sealed class OriginMiddleware(RequestDelegate next, IOptions<CrossOriginOptions> options, GatewayMetrics metrics)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetReverseProxyFeature().Cluster.Config.ClusterId != ReplicaDirectory.ClusterId
            || !PageOrigin.IsForeign(context.Request, options.Value.Origins))
        {
            return next(context);
        }

        metrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", PageOrigin.Foreign));
        return Problems.WriteAsync(
            context,
            StatusCodes.Status403Forbidden,
            $"Pages of this origin may not publish here. List it in {CrossOriginOptions.SectionName}:{nameof(CrossOriginOptions.Origins)}; if it is the gateway's own, behind a proxy, list the proxy in Proxies:Known.",
            PageOrigin.Foreign);
    }

    /// <summary>A replica knows neither the gateway's origin nor the listed ones; what reaches it has been let through here.</summary>
    public static void Apply(TransformBuilderContext context)
    {
        if (!string.Equals(context.Cluster?.ClusterId, ReplicaDirectory.ClusterId, StringComparison.Ordinal))
        {
            return;
        }

        context.AddRequestTransform(static transform =>
        {
            if (PageOrigin.MayChange(transform.HttpContext.Request.Method))
            {
                transform.ProxyRequest.Headers.Remove("Origin");
                transform.ProxyRequest.Headers.Remove("Sec-Fetch-Site");
            }

            return default;
        });
    }
}
