using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;
using Yarp.ReverseProxy.Utilities;

namespace SseApp.Gateway.Clients;

/// <summary>
/// Says to replicas whom the gateway serves, in <c>X-Forwarded-*</c>, <c>X-Real-IP</c> and <c>Forwarded</c> (RFC 7239). What
/// the client itself sent in these headers is replaced: a stranger could claim any address. A route that sets its own
/// forwarded headers in configuration keeps them.
/// </summary>
internal static class ForwardedHeaderTransforms
{
    private const string RealIp = "X-Real-IP";

    public static void Apply(TransformBuilderContext context)
    {
        // The first comes from a stranger; the others the platform's middleware leaves when a known proxy spoke for the
        // client. X-Forwarded-For is replaced, or the business of a route that has its own transform for it.
        List<string> removed = [ProxiesOptions.Forwarded, "X-Original-For", "X-Original-Proto", "X-Original-Host"];
        var header = context.Services.GetRequiredService<IOptions<ProxiesOptions>>().Value.ForwardedForHeader;
        if (!string.Equals(header, ProxiesOptions.XForwardedFor, StringComparison.OrdinalIgnoreCase))
        {
            removed.Add(header);
        }

        // Before all others, those of a route's configuration too, which may append to what they find.
        context.RequestTransforms.Insert(0, new RequestFuncTransform(transform =>
        {
            foreach (var name in removed)
            {
                transform.ProxyRequest.Headers.Remove(name);
            }

            return default;
        }));

        if (context.UseDefaultForwarders != false)
        {
            context.AddXForwarded(ForwardedTransformActions.Set);

            // Not AddForwarded: it removes the X-Forwarded headers again.
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
