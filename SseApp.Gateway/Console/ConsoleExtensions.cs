using Microsoft.Extensions.FileProviders;

namespace SseApp.Gateway.Console;

/// <summary>Serves the live console from the assembly, so that it needs no files beside the program.</summary>
internal static class ConsoleExtensions
{
    public static void UseConsole(this IApplicationBuilder app)
    {
        var files = new EmbeddedFileProvider(typeof(ConsoleExtensions).Assembly, "SseApp.Gateway.Console.wwwroot");
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files });
        app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = files,
            OnPrepareResponse = file =>
            {
                var headers = file.Context.Response.Headers;
                headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
                headers.XContentTypeOptions = "nosniff";
                headers["Referrer-Policy"] = "no-referrer";

                // Ask each time, usually answered by 304: a new gateway never meets an old script.
                headers.CacheControl = "no-cache";
            },
        });
    }
}
