using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Security;

/// <summary>
/// Tells replicas whom the gateway serves. What the client itself sent in these headers is replaced: a stranger could
/// claim any address. A route that sets its own forwarded headers in configuration keeps them.
/// </summary>
internal sealed class ForwardedHeaders : ITransformProvider
{
    private const string RealIp = "X-Real-IP";

    public void ValidateRoute(TransformRouteValidationContext context)
    {
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
    }

    public void Apply(TransformBuilderContext context)
    {
        if (context.UseDefaultForwarders != false)
        {
            context.AddXForwarded(ForwardedTransformActions.Set);
        }

        context.AddRequestTransform(transform =>
        {
            transform.ProxyRequest.Headers.Remove(RealIp);
            if (transform.HttpContext.Connection.RemoteIpAddress is { } address)
            {
                transform.ProxyRequest.Headers.TryAddWithoutValidation(RealIp, address.ToString());
            }

            return default;
        });
    }
}
