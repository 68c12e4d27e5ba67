using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace SseApp.ServiceDefaults.Defaults.Http;

internal static class HttpServerExtensions
{
    /// <summary>Lets nothing decide over a request, or answer it, in the server's own way.</summary>
    public static void AddHttpServer(this IServiceCollection services)
    {
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, HttpServerSetup>();
        services.AddSingleton<IStartupFilter, ServerRefusals>();
    }

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
