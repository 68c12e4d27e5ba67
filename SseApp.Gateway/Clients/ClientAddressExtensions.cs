using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace SseApp.Gateway.Clients;

internal static class ClientAddressExtensions
{
    /// <summary>
    /// Finds out who the client is. From here on <c>Connection.RemoteIpAddress</c> is that client for limits, balancing,
    /// address lists, replicas and logs alike.
    /// </summary>
    public static void UseClientAddress(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<ProxiesOptions>>().Value;

        // Without known proxies the platform's middleware would believe everybody.
        if (options.Known.Count > 0)
        {
            var known = AddressList.Parse($"{ProxiesOptions.SectionName}:{nameof(ProxiesOptions.Known)}", [.. options.Known]);
            var forwarded = XForwarded(options, known);
            app.UseWhen(context => options.ReadsForwarded(context.Request), branch => branch.UseMiddleware<ForwardedMiddleware>(known));
            app.UseWhen(context => !options.ReadsForwarded(context.Request), branch => branch.UseForwardedHeaders(forwarded));
        }

        app.UseMiddleware<ClientAddressMiddleware>();
    }

    private static ForwardedHeadersOptions XForwarded(ProxiesOptions options, AddressList known)
    {
        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardedForHeaderName = options.ForwardedForHeader,
            ForwardLimit = null,
        };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var range in known.Ranges)
        {
            forwarded.KnownIPNetworks.Add(range);
        }

        return forwarded;
    }
}
