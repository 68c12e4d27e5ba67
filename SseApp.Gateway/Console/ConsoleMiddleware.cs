using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace SseApp.Gateway.Console;

/// <summary>Serves the live console, pre-compressed and with validators, and sets the security headers of a page.</summary>
internal sealed class ConsoleMiddleware(RequestDelegate next)
{
    private readonly ConsoleFiles _files = new();

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        return (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && _files.Find(request.Path.Value ?? "") is { } file
            ? ServeAsync(context, file)
            : next(context);
    }

    private static Task ServeAsync(HttpContext context, ConsoleFile file)
    {
        var variant = Choose(context.Request.Headers.AcceptEncoding, file);
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.Vary = HeaderNames.AcceptEncoding;

        // A link without the version asks each time, usually answered by 304.
        headers.CacheControl = context.Request.Query["v"] == file.Version ? "public, max-age=31536000, immutable" : "no-cache";
        if (variant.Encoding is not null)
        {
            headers.ContentEncoding = variant.Encoding;
        }

        // Answers If-None-Match, HEAD and ranges.
        return TypedResults.Bytes(variant.Content, file.ContentType, entityTag: variant.Tag).ExecuteAsync(context);
    }

    private static ConsoleFile.Variant Choose(StringValues acceptEncoding, ConsoleFile file)
    {
        if (StringWithQualityHeaderValue.TryParseList(acceptEncoding, out var accepted))
        {
            foreach (var variant in new[] { file.Brotli, file.Gzip })
            {
                if (accepted.Any(encoding => encoding.Value.Equals(variant.Encoding, StringComparison.OrdinalIgnoreCase) && encoding.Quality is not 0))
                {
                    return variant;
                }
            }
        }

        return file.Plain;
    }
}
