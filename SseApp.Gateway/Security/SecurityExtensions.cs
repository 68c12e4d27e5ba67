using Microsoft.AspNetCore.Cors.Infrastructure;

namespace SseApp.Gateway.Security;

internal static class SecurityExtensions
{
    /// <summary>Adds the address lists, pages of other origins (CORS), and configured response headers.</summary>
    public static void AddSecurity(this IServiceCollection services)
    {
        services.AddValidatedOptions<AccessOptions>(AccessOptions.SectionName);
        services.AddSingleton<AccessRules>();
        services.AddValidatedOptions<CrossOriginOptions>(CrossOriginOptions.SectionName);
        services.AddCors();
        services.AddSingleton<IConfigureOptions<CorsOptions>, CrossOriginSetup>();
        services.AddValidatedOptions<ResponseHeadersOptions>(ResponseHeadersOptions.SectionName);
    }

    /// <summary>Headers of every response. Outside all that answers.</summary>
    public static void UseResponseHeaders(this IApplicationBuilder app) => app.UseMiddleware<ResponseHeadersMiddleware>();
}
