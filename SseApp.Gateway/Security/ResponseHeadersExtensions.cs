using Microsoft.Extensions.Options;

namespace SseApp.Gateway.Security;

internal static class ResponseHeadersExtensions
{
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
