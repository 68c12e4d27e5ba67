using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using Microsoft.Net.Http.Headers;
using SseApp.Gateway.Pages;

namespace SseApp.Gateway.Console;

internal static class ConsoleExtensions
{
    /// <summary>
    /// Serves the live console at <c>/</c>, or at <c>/console/</c> where the user's own pages have the root. Its files come from the assembly, so that they work alike in <c>dotnet run</c>, in
    /// published output and in tests, and need nothing beside the program.
    /// </summary>
    public static void UseConsole(this IApplicationBuilder app)
    {
        var files = new EmbeddedFileProvider(typeof(ConsoleExtensions).Assembly, "SseApp.Gateway.Console.wwwroot");
        var pages = app.ApplicationServices.GetRequiredService<IOptions<StaticFilesOptions>>().Value;
        PathString at = string.IsNullOrWhiteSpace(pages.Root) ? "" : "/console";
        app.UseDefaultFiles(new DefaultFilesOptions { RequestPath = at, FileProvider = files, DefaultFileNames = ["index.html"] });
        app.UseStaticFiles(new StaticFileOptions { RequestPath = at, FileProvider = files, OnPrepareResponse = Prepare });
    }

    private static void Prepare(StaticFileResponseContext context)
    {
        var response = context.Context.Response;
        var headers = response.Headers;
        headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.Vary = HeaderNames.AcceptEncoding;

        // Browsers ask each time, usually answered by 304, and so never mix files of two releases.
        headers.CacheControl = "no-cache";
        if (response.ContentType?.StartsWith("text/", StringComparison.Ordinal) == true)
        {
            response.ContentType += "; charset=utf-8";
        }
    }
}
