using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.HttpsPolicy;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Quic;
using SseApp.Gateway.Clients;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Tls;

internal static class TlsExtensions
{
    /// <summary>Adds HTTPS when section <c>Tls</c> names a certificate.</summary>
    public static void AddTls(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddValidatedOptions<TlsOptions>(TlsOptions.SectionName);
        var options = Settings.Bind(builder.Configuration.GetSection(TlsOptions.SectionName), new TlsOptions());
        if (!options.Enabled)
        {
            return;
        }

        services.AddSingleton<EndpointsOfCode>();
        services.AddSingleton<IStartupFilter, TlsStartup>();
        services.AddSingleton<CertificateSource>();
        services.AddSingleton<IHostNames, CertificateNames>();
        services.AddHostedService<CertificateWatcher>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>>(provider =>
            ActivatorUtilities.CreateInstance<TlsEndpoints>(provider, ListenAddresses.Plain(builder.Configuration)));
#pragma warning disable CA2252 // The platform's options of QUIC still count as a preview; without this one an HTTP/3 connection has 100 requests.
        services.AddOptions<QuicTransportOptions>().Configure<IOptions<LimitsOptions>>(static (quic, limits) => quic.MaxBidirectionalStreamCount = limits.Value.RequestsPerConnection);
#pragma warning restore CA2252
        services.Configure<HttpsRedirectionOptions>(redirect =>
        {
            redirect.RedirectStatusCode = StatusCodes.Status308PermanentRedirect;
            redirect.HttpsPort = options.PublicPort > 0 ? options.PublicPort : null;
        });
        services.Configure<HstsOptions>(hsts =>
        {
            hsts.MaxAge = options.HstsMaxAge;
            hsts.IncludeSubDomains = options.HstsIncludeSubDomains;
        });
    }

    public static void UseTls(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<TlsOptions>>().Value;
        if (!options.Enabled)
        {
            return;
        }

        if (options.HstsMaxAge > TimeSpan.Zero)
        {
            app.UseStrictTransport();
        }

        if (options.Redirect)
        {
            app.UseWhen(static context => !LocalProbes.IsProbe(context), static branch => branch.UseHttpsRedirection());
        }
    }

    // The platform's middleware, run when the response starts: a refusal or a second attempt begins by clearing the headers
    // that were set before it. And where a service sends this header too, browsers obey the first of the two.
    private static void UseStrictTransport(this IApplicationBuilder app)
    {
        var branch = app.New();
        branch.UseHsts();
        branch.Run(static _ => Task.CompletedTask);
        var apply = branch.Build();
        Func<object, Task> starting = context => apply((HttpContext)context);
        app.Use((context, next) =>
        {
            context.Response.OnStarting(starting, context);
            return next(context);
        });
    }
}

/// <summary>
/// Takes the addresses from the server after the host has handed them to it: <see cref="TlsEndpoints"/> listens there, and
/// the server would warn at each start that its endpoints override them.
/// </summary>
internal sealed class TlsStartup : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.ServerFeatures.Get<IServerAddressesFeature>()?.Addresses.Clear();
        next(app);
    };
}
