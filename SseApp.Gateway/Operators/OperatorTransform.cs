using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Signing;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Operators;

/// <summary>
/// Requests of clients reach replicas signed as such, for the replica that is asked. What a client itself sent under the names
/// of the cluster's own headers is dropped, whoever gets the request.
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
                // YARP takes a Host in Punycode for one that a transform has set, because it compares it with the name in Unicode; and a replica
                // does not know the gateway's names.
                transform.ProxyRequest.Headers.Host = null;
                transform.ProxyRequest.Options.Set(SignatureWanted.Key, new SignatureWanted(destination.DestinationId, RequestPurpose.Client));
            }

            return default;
        });
    }

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

    /// <summary>To clients no topic can be deleted; operators do it on their own listener, see <see cref="TopicDeletion"/>.</summary>
    public static void UseNoDeletion(this IApplicationBuilder proxy) => proxy.Use(static (context, next) =>
    {
        if (!HttpMethods.IsDelete(context.Request.Method)
            || !context.Request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase)
            || context.GetReverseProxyFeature().Cluster.Config.ClusterId != ReplicaDirectory.ClusterId)
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });

    /// <summary>Behind the forwarder, which decodes and escapes anew, what was escaped twice looks like what was escaped once: another topic.</summary>
    public static void UseTopicPaths(this IApplicationBuilder proxy) => proxy.Use(static (context, next) =>
        TopicPaths.IsEscapedTwice(context) && context.GetReverseProxyFeature().Cluster.Config.ClusterId == ReplicaDirectory.ClusterId
            ? Problems.WriteAsync(context, StatusCodes.Status400BadRequest, TopicPaths.Rule)
            : next(context));
}
