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

    /// <summary>Costs nothing while no headers are configured.</summary>
    public static void UseResponseHeaders(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<ResponseHeadersOptions>>().Value;
        if (options.Set.Count > 0 || options.Remove.Count > 0)
        {
            app.UseMiddleware<ResponseHeadersMiddleware>();
        }
    }
}
