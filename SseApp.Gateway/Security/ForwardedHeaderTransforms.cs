using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;
using Yarp.ReverseProxy.Utilities;

namespace SseApp.Gateway.Security;

/// <summary>
/// Tells replicas whom the gateway serves, in <c>X-Forwarded-*</c>, <c>X-Real-IP</c> and <c>Forwarded</c> (RFC 7239). What
/// the client itself sent in these headers is replaced: a stranger could claim any address. A route that sets its own
/// forwarded headers in configuration keeps them.
/// </summary>
internal sealed class ForwardedHeaderTransforms : ITransformProvider
{
    private const string RealIp = "X-Real-IP";

    // Left by the platform's middleware when a known proxy spoke for the client.
    private static readonly string[] s_originals = ["X-Original-For", "X-Original-Proto", "X-Original-Host"];

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

            // Not AddForwarded: it takes the X-Forwarded headers away again.
            context.RequestTransforms.Add(new RequestHeaderForwardedTransform(
                context.Services.GetRequiredService<IRandomFactory>(),
                NodeFormat.Ip,
                NodeFormat.None,
                host: true,
                proto: true,
                ForwardedTransformActions.Set));
        }

        context.AddRequestTransform(transform =>
        {
            var headers = transform.ProxyRequest.Headers;
            headers.Remove(RealIp);
            if (transform.HttpContext.Connection.RemoteIpAddress is { } address)
            {
                headers.TryAddWithoutValidation(RealIp, address.ToString());
            }

            foreach (var original in s_originals)
            {
                headers.Remove(original);
            }

            return default;
        });
    }
}
