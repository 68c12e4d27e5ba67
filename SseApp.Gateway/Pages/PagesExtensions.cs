using Microsoft.AspNetCore.StaticFiles;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Pages;

internal static class PagesExtensions
{
    public static void AddPages(this IServiceCollection services)
    {
        services.AddValidatedOptions<StaticFilesOptions>(StaticFilesOptions.SectionName);
        services.AddSingleton<IValidateOptions<StaticFilesOptions>, PrivateFilesValidator>();
    }

    /// <summary>Answers what no route matches with a file of the user's, if there is one.</summary>
    public static void MapPages(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<IOptions<StaticFilesOptions>>().Value;
        if (!string.IsNullOrWhiteSpace(options.Root))
        {
            // After all routes; a path of theirs keeps their answer to other methods.
            var pages = Build(app, options, Path.GetFullPath(options.Root));
            app.Use((context, next) => context.GetEndpoint() is null ? AnswerAsync(context, pages) : next(context));
        }
    }

    private static RequestDelegate Build(IEndpointRouteBuilder endpoints, StaticFilesOptions options, string root)
    {
        var files = new PageFiles(root, endpoints.ServiceProvider.GetRequiredService<ILogger<PageFiles>>());
        var precompressed = new PrecompressedFiles(files);
        var tags = new ContentTags();
        var immutable = new PathPatterns(options.Immutable);
        var serving = new StaticFileOptions
        {
            FileProvider = files,
            // Source maps, fonts of tomorrow: nosniff keeps browsers from taking them for something else.
            ServeUnknownFileTypes = true,
            ContentTypeProvider = FileTypes.Provider,
            DefaultContentType = FileTypes.Unknown,
            OnPrepareResponse = prepared => Prepare(prepared, options, immutable),
        };
        var branch = endpoints.CreateApplicationBuilder();
        branch.Use((context, next) =>
        {
            // Not even the application's page: who probes for .git/config shall read 404. Nor below the operators' paths, where
            // it would look like an answer of theirs.
            if (PageFiles.IsHidden(context.Request.Path.Value ?? "") || IsOperators(context.Request.Path.Value ?? ""))
            {
                return NotFoundAsync(context);
            }

            return next(context);
        });
        branch.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files, DefaultFileNames = ["index.html", "index.htm"] });
        Serve(branch);
        if (!string.IsNullOrWhiteSpace(options.Fallback))
        {
            var fallback = new PathString("/" + options.Fallback.TrimStart('/'));
            branch.UseWhen(OpensPage, page =>
            {
                page.Use((context, next) =>
                {
                    context.Request.Path = fallback;
                    return next(context);
                });
                Serve(page);
            });
        }

        branch.Run(NotFoundAsync);
        return branch.Build();

        void Serve(IApplicationBuilder app)
        {
            app.Use(precompressed.ServeAsync);
            app.Use((context, next) => tags.ServeAsync(context, files.GetFileInfo(context.Request.Path.Value ?? ""), PrecompressedFiles.CodingOf(context), next));
            app.UseStaticFiles(serving);
        }
    }

    private static bool IsOperators(string path) => PageFiles.IsBelow(path, "admin") || PageFiles.IsBelow(path, TelemetryExtensions.MetricsPath.Trim('/'));

    /// <summary>What GET finds takes GET and HEAD and says so; what it does not find is not there for any method.</summary>
    private static async Task AnswerAsync(HttpContext context, RequestDelegate pages)
    {
        var (request, response) = (context.Request, context.Response);
        if (ClientRequest.IsBodiless(request))
        {
            await pages(context);
            return;
        }

        var (method, path) = (request.Method, request.Path);
        request.Method = HttpMethods.Head;
        await pages(context);
        (request.Method, request.Path) = (method, path);
        var isThere = response.StatusCode != StatusCodes.Status404NotFound;
        response.Clear();
        response.StatusCode = isThere ? StatusCodes.Status405MethodNotAllowed : StatusCodes.Status404NotFound;
        if (isThere)
        {
            response.Headers.Allow = "GET, HEAD";
        }
    }

    private static Task NotFoundAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    /// <summary>A browser that opens a page; a script, a stylesheet or a program gets 404 rather than a page that it cannot read.</summary>
    private static bool OpensPage(HttpContext context) =>
        ClientRequest.IsBodiless(context.Request)
        && Path.GetFileName(context.Request.Path.Value.AsSpan()).IndexOf('.') < 0
        && context.Request.GetTypedHeaders().Accept.Any(accept =>
            accept.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase) && accept.Quality is null or > 0);

    private static void Prepare(StaticFileResponseContext prepared, StaticFilesOptions options, PathPatterns immutable)
    {
        var response = prepared.Context.Response;
        var path = PrecompressedFiles.Describe(prepared.Context) ?? prepared.Context.Request.Path;
        var isPage = response.ContentType == "text/html";
        ContentTags.Describe(prepared.Context);
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = immutable.Match(path) && !isPage ? "public, max-age=31536000, immutable"
            : options.MaxAge > TimeSpan.Zero && !isPage ? string.Create(CultureInfo.InvariantCulture, $"public, max-age={options.MaxAge.TotalSeconds:0}")
            : "no-cache";
        if (response.ContentType?.StartsWith("text/", StringComparison.Ordinal) == true)
        {
            response.ContentType += "; charset=utf-8";
        }
    }
}
