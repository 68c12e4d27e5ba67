using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Primitives;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Clients;

internal static partial class ClientAddressExtensions
{
    public static void AddClients(this IServiceCollection services)
    {
        services.AddValidatedOptions<ProxiesOptions>(ProxiesOptions.SectionName);
        services.AddSingleton<ClientTable>();
    }

    /// <summary>
    /// Finds out who the client is. From here on <c>Connection.RemoteIpAddress</c> and <see cref="ClientRequest"/> mean
    /// that client for limits, balancing, address lists, replicas and logs alike.
    /// </summary>
    public static void UseClientAddress(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<ProxiesOptions>>().Value;
        var clients = app.ApplicationServices.GetRequiredService<ClientTable>();

        // Without known proxies the platform's middleware would believe everybody.
        if (options.Known.Count > 0)
        {
            app.Use((context, next) =>
            {
                DropMisleading(context.Request.Headers, options.ForwardedForHeader);
                return next(context);
            });
            app.UseForwardedHeaders(XForwarded(options));
        }
        else if (PlatformSettings.WantForwardedHeaders(app.ApplicationServices.GetRequiredService<IConfiguration>()))
        {
            LogForwardedHeadersIgnored(app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ClientAddressExtensions)));
        }

        app.Use((context, next) =>
        {
            // On a dual-stack socket an IPv4 client arrives as ::ffff:192.0.2.1, and a proxy may write such an address too.
            // Limits, logs and replicas would take it for another client.
            if (context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } address)
            {
                context.Connection.RemoteIpAddress = address.MapToIPv4();
            }

            clients.Identify(ClientRequest.Of(context), context.Connection.RemoteIpAddress);
            return next(context);
        });
    }

    /// <summary>
    /// The platform reads 198.51.100.066 as an octal number and 127.1 as a whole address, and would let the client be somebody else: it stops at what is
    /// no address, so such an entry becomes one that is none.
    /// </summary>
    private static void DropMisleading(IHeaderDictionary headers, string name)
    {
        var values = headers[name];
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] is { } value && value.Split(',') is var entries && Array.Exists(entries, static entry => AddressList.IsMisleading(entry)))
            {
                var cleared = values.ToArray();
                cleared[i] = string.Join(',', entries.Select(static entry => AddressList.IsMisleading(entry) ? "unknown" : entry));
                headers[name] = values = new StringValues(cleared);
            }
        }
    }

    private static ForwardedHeadersOptions XForwarded(ProxiesOptions options)
    {
        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardedForHeaderName = options.ForwardedForHeader,
            ForwardLimit = null,
        };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var range in AddressList.Parse($"{ProxiesOptions.SectionName}:{nameof(ProxiesOptions.Known)}", [.. options.Known]).Ranges)
        {
            forwarded.KnownIPNetworks.Add(range);
        }

        return forwarded;
    }

    [LoggerMessage(LogLevel.Warning, "ASPNETCORE_FORWARDEDHEADERS_ENABLED is set and has no effect: anybody could choose an address. Name the proxies in front of the gateway in Proxies:Known; until then all clients behind them count as one.")]
    private static partial void LogForwardedHeadersIgnored(ILogger logger);
}
