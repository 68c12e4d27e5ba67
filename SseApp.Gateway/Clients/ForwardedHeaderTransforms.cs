using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;
using Yarp.ReverseProxy.Utilities;

namespace SseApp.Gateway.Clients;

/// <summary>
/// Tells replicas whom the gateway serves, in <c>X-Forwarded-*</c>, <c>X-Real-IP</c> and <c>Forwarded</c> (RFC 7239). What
/// the client itself sent in these headers is replaced: a stranger could claim any address. A route that sets its own
/// forwarded headers in configuration keeps them.
/// </summary>
internal sealed class ForwardedHeaderTransforms(IOptions<ProxiesOptions> proxies) : ITransformProvider
{
    private const string RealIp = "X-Real-IP";

    // The first is a stranger's word, or has been taken; the others the platform's middleware leaves when a known proxy
    // spoke for the client.
    private readonly string[] _removed =
    [
        ForwardedMiddleware.Header, "X-Original-For", "X-Original-Proto", "X-Original-Host",
        // X-Forwarded-For is replaced, or the business of a route that has its own transform for it.
        .. new[] { proxies.Value.ForwardedForHeader }.Where(
            header => !string.Equals(header, ProxiesOptions.XForwardedFor, StringComparison.OrdinalIgnoreCase)),
    ];

    public void ValidateRoute(TransformRouteValidationContext context)
    {
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
    }

    public void Apply(TransformBuilderContext context)
    {
        // Before all others, those of a route's configuration too, which may append to what they find.
        context.RequestTransforms.Insert(0, new RequestFuncTransform(transform =>
        {
            foreach (var name in _removed)
            {
                transform.ProxyRequest.Headers.Remove(name);
            }

            return default;
        }));

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

            return default;
        });
    }
}
