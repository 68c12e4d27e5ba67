using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Operators;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Operators;

/// <summary>
/// Requests that only operators may make reach replicas signed when an operator made them, and never with a signature
/// that a client brought along.
/// </summary>
internal static class OperatorTransform
{
    public static void Apply(TransformBuilderContext context)
    {
        var signature = context.Services.GetRequiredService<OperatorSignature>();
        var toEvents = string.Equals(context.Cluster?.ClusterId, ReplicaDirectory.ClusterId, StringComparison.Ordinal);
        context.AddRequestTransform(async transform =>
        {
            transform.ProxyRequest.Headers.Remove(OperatorSignature.Header);
            var http = transform.HttpContext;
            if (toEvents && HttpMethods.IsDelete(http.Request.Method) && LoopbackRequests.IsDirect(http) && CrossSiteFilter.IsSameSite(http.Request))
            {
                await SignAsync(transform, signature);
            }
        });
    }

    private static async Task SignAsync(RequestTransformContext transform, OperatorSignature signature)
    {
        var http = transform.HttpContext;
        transform.ProxyRequest.RequestUri = RequestUtilities.MakeDestinationAddress(
            transform.DestinationPrefix, transform.Path, transform.Query.QueryString);
        try
        {
            await signature.SignAsync(transform.ProxyRequest, http.RequestAborted);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // An answer that a transform writes ends the forwarding.
            http.Response.Headers.RetryAfter = "2";
            await Problems.WriteAsync(
                http, StatusCodes.Status503ServiceUnavailable, "Redis does not answer. Try again after the time in Retry-After.", "redis");
        }
    }
}
