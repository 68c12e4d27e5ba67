using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Operators;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Operators;

/// <summary>Keeps from replicas what only operators may send them: signatures that a client brought along, and what deletes.</summary>
internal static class OperatorTransform
{
    public static void Apply(TransformBuilderContext context) => context.AddRequestTransform(static transform =>
    {
        transform.ProxyRequest.Headers.Remove(OperatorSignature.Header);
        return default;
    });

    /// <summary>To clients no topic can be deleted; operators do it on their own listener, see <see cref="TopicDeletion"/>.</summary>
    public static void UseNoDeletion(this IApplicationBuilder proxy) => proxy.Use(static (context, next) =>
    {
        if (!HttpMethods.IsDelete(context.Request.Method) || context.GetReverseProxyFeature().Cluster.Config.ClusterId != ReplicaDirectory.ClusterId)
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });
}
