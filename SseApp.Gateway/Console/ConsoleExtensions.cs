using System.Collections.Frozen;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using Microsoft.Net.Http.Headers;
using SseApp.Gateway.Pages;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Gateway.Console;

internal static class ConsoleExtensions
{
    /// <summary>
    /// Serves the clients' console at <c>/</c>, or at <c>/console/</c> where the user's own pages, or a configured service, have the root. Its files come from
    /// the assembly, so that they work alike in <c>dotnet run</c>, in published output and in tests, and need nothing beside
    /// the program.
    /// </summary>
    public static void UseConsole(this IApplicationBuilder app)
    {
        app.Serve(Files("wwwroot"), PathOf(app.ApplicationServices));
    }

    /// <summary>Serves the operators' console at <c>/</c>. Its files hold no data; what they ask for needs the key.</summary>
    public static void UseOperatorConsole(this IApplicationBuilder admin) => admin.Serve(Files("operators"), "");

    /// <summary>Lets the router know which methods the files take, for those that they do not; GET and HEAD never come here.</summary>
    public static void MapConsole(this IEndpointRouteBuilder app) => app.MapFiles("wwwroot", PathOf(app.ServiceProvider));

    /// <summary>The same for the operators' console.</summary>
    public static void MapOperatorConsole(this IEndpointRouteBuilder admin) => admin.MapFiles("operators", "");

    private static void MapFiles(this IEndpointRouteBuilder app, string folder, PathString at)
    {
        foreach (var path in Files(folder).GetDirectoryContents("").Select(file => $"/{file.Name}").Append("/"))
        {
            app.MapMethods(at + path, [HttpMethods.Get, HttpMethods.Head], static context =>
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }).Needs(NeedKind.Nothing);
        }
    }

    private static PathString PathOf(IServiceProvider services) =>
        string.IsNullOrWhiteSpace(services.GetRequiredService<IOptions<StaticFilesOptions>>().Value.Root)
        && !services.GetRequiredService<IConfiguration>().GetSection("ReverseProxy:Routes").GetChildren().Any(HasRoot) ? "" : "/console";

    // As it is at the start: an address that moves while somebody looks at the page would be none.
    private static bool HasRoot(IConfigurationSection route)
    {
        var methods = route.GetSection("Match:Methods").GetChildren().Select(static method => method.Value).ToArray();
        if (methods.Length > 0 && !methods.Contains(HttpMethods.Get, StringComparer.OrdinalIgnoreCase))
        {
            return false;
        }

        try
        {
            return route["Match:Path"] is not { Length: > 0 } path
                || new TemplateMatcher(TemplateParser.Parse(path), []).TryMatch("/", []);
        }
        catch (ArgumentException)
        {
            // No path at all, which YARP says.
            return false;
        }
    }

    private static void Serve(this IApplicationBuilder app, CompositeFileProvider files, PathString at)
    {
        app.UseDefaultFiles(new DefaultFilesOptions { RequestPath = at, FileProvider = files, DefaultFileNames = ["index.html"] });
        var tags = new ContentTags();
        // Publishes pass here, too.
        var known = files.GetDirectoryContents("").ToFrozenDictionary(file => $"{at}/{file.Name}", StringComparer.Ordinal);
        app.Use((context, next) => ClientRequest.IsBodiless(context.Request) && known.TryGetValue(context.Request.Path.Value ?? "", out var file)
            ? tags.ServeAsync(context, file, coding: null, next)
            : next(context));
        app.UseStaticFiles(new StaticFileOptions { RequestPath = at, FileProvider = files, OnPrepareResponse = Prepare });
    }

    private static CompositeFileProvider Files(string folder) => new(
        new EmbeddedFileProvider(typeof(ConsoleExtensions).Assembly, $"SseApp.Gateway.Console.{folder}"),
        new EmbeddedFileProvider(typeof(ConsoleExtensions).Assembly, "SseApp.Gateway.Console.shared"));

    private static void Prepare(StaticFileResponseContext context)
    {
        var response = context.Context.Response;
        var headers = response.Headers;
        ContentTags.Describe(context.Context);
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
