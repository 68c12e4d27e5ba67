using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Http;

internal static class HttpServerExtensions
{
    /// <summary>Lets nothing decide over a request, or answer it, in the server's own way.</summary>
    public static void AddHttpServer(this IServiceCollection services)
    {
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, HttpServerSetup>();
        services.AddSingleton<IStartupFilter, ServerRefusals>();
        services.AddSingleton<UnreadBodyPace>();
    }

    /// <summary>Adds the names that <see cref="UseHosts"/> lets in.</summary>
    public static void AddHosts(this IServiceCollection services)
    {
        services.AddValidatedOptions<HostsOptions>(HostsOptions.SectionName);
        services.AddSingleton<AllowedHosts>();
        // The platform's own filter would refuse addresses, which probes use, and with a page of HTML.
        services.PostConfigure<HostFilteringOptions>(static options => options.AllowedHosts = [AllowedHosts.Any]);
    }

    /// <summary>Refuses requests for names that are not the service's; see <see cref="HostFilter"/>. Before all that answers.</summary>
    /// <param name="app">The pipeline.</param>
    /// <param name="refused">Counts a refusal.</param>
    public static void UseHosts(this IApplicationBuilder app, Action refused) => app.UseMiddleware<HostFilter>(refused);

    /// <summary>Reads away, not too fast, the bodies that nobody wants; see <see cref="UnreadBodies"/>. Outside all that answers or measures.</summary>
    public static void UseUnreadBodies(this IApplicationBuilder app) => app.UseMiddleware<UnreadBodies>();

    /// <summary>Lets no browser guess what an answer is, whatever it is.</summary>
    public static void UseNoSniff(this IApplicationBuilder app) => app.Use(static (context, next) =>
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return next(context);
    });

    /// <summary>Gives a body to every refusal that has none; see <see cref="BareAnswers"/>.</summary>
    public static void UseBareAnswers(
        this IApplicationBuilder app, string failed, bool marked = false, Func<HttpContext, bool>? isAnothers = null) =>
        app.UseMiddleware<BareAnswers>(failed, marked, isAnothers ?? (static _ => false));

    /// <summary>Lets what answers GET answer HEAD as well (RFC 9110, 9.3.2); the server leaves the body out.</summary>
    public static TBuilder AnswerHeadAsGet<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoints.Finally(static endpoint =>
        {
            for (var i = 0; i < endpoint.Metadata.Count; i++)
            {
                if (endpoint.Metadata[i] is IHttpMethodMetadata { HttpMethods: ["GET"] } get)
                {
                    endpoint.Metadata[i] = new HttpMethodMetadata(["GET", "HEAD"], get.AcceptCorsPreflight);
                }
            }
        });
        return endpoints;
    }

    /// <summary>For endpoints that the platform maps for every method.</summary>
    public static TBuilder OnlyRead<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder =>
        endpoints.WithMetadata(new HttpMethodMetadata(["GET", "HEAD"]));
}
