using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Cluster.Signing;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Operators;

/// <summary>
/// Requests reach replicas signed, for the replica that is asked: as a client's, or as an operator's when an operator made
/// one that only operators may make. What a client itself sent under the names of the cluster's own headers is dropped,
/// whoever gets the request.
/// </summary>
internal static class OperatorTransform
{
    public static void Apply(TransformBuilderContext context)
    {
        var toEvents = string.Equals(context.Cluster?.ClusterId, ReplicaDirectory.ClusterId, StringComparison.Ordinal);
        context.AddRequestTransform(transform =>
        {
            DropOwnHeaders(transform);
            if (toEvents && transform.HttpContext.Features.Get<IReverseProxyFeature>()?.ProxiedDestination is { } destination)
            {
                transform.ProxyRequest.Options.Set(SignatureWanted.Key, new SignatureWanted(destination.DestinationId, Purpose(transform.HttpContext)));
            }

            return default;
        });
    }

    private static RequestPurpose Purpose(HttpContext http) =>
        HttpMethods.IsDelete(http.Request.Method) && LoopbackRequests.IsDirect(http) && CrossSiteFilter.IsSameSite(http.Request)
            ? RequestPurpose.Operator
            : RequestPurpose.Client;

    private static void DropOwnHeaders(RequestTransformContext transform)
    {
        foreach (var (name, _) in transform.HttpContext.Request.Headers)
        {
            if (name.StartsWith(RequestSignature.HeaderPrefix, StringComparison.OrdinalIgnoreCase))
            {
                transform.ProxyRequest.Headers.Remove(name);
            }
        }
    }
}
