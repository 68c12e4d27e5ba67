using Microsoft.Net.Http.Headers;

namespace SseApp.Gateway.Pages;

/// <summary>
/// Files that were compressed when the pages were built, as tightly as it goes: <c>app.js.br</c> and <c>app.js.gz</c> beside
/// <c>app.js</c> are sent in its place to who takes them. They have its type, and validators of their own.
/// </summary>
internal sealed class PrecompressedFiles(PageFiles files)
{
    // The smaller one first: it is taken where a client likes both alike.
    private static readonly (string Coding, string Extension)[] s_codings = [("br", ".br"), ("gzip", ".gz")];

    /// <summary>Lets what follows serve the compressed file, if there is one and the client takes it.</summary>
    public async Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path;
        var there = files.GetFileInfo(path.Value!).Exists ? Array.FindAll(s_codings, coding => files.GetFileInfo(path.Value + coding.Extension).Exists) : [];
        if (there.Length == 0)
        {
            await next(context);
            return;
        }

        // Also when the file itself is sent: a cache has to ask for each kind of client.
        context.Response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        if (Choose(context.Request, there) is not var (chosen, extension))
        {
            await next(context);
            return;
        }

        context.Features.Set(new Chosen(path, chosen));
        context.Request.Path = new PathString(path.Value + extension);
        try
        {
            await next(context);
        }
        finally
        {
            context.Request.Path = path;
        }
    }

    /// <summary>Describes the response as the file itself, compressed.</summary>
    /// <returns>Its path, or null when this response is not compressed here.</returns>
    public static PathString? Describe(HttpContext context)
    {
        if (context.Features.Get<Chosen>() is not { } chosen)
        {
            return null;
        }

        context.Response.Headers.ContentEncoding = chosen.Coding;
        context.Response.ContentType = FileTypes.Of(chosen.Path.Value!);
        return chosen.Path;
    }

    /// <summary>How what is served is packed; null: as it is in the file of its name.</summary>
    public static string? CodingOf(HttpContext context) => context.Features.Get<Chosen>()?.Coding;

    private static (string Coding, string Extension)? Choose(HttpRequest request, (string Coding, string Extension)[] there)
    {
        var accepted = request.GetTypedHeaders().AcceptEncoding;
        var (best, quality) = (((string, string)?)null, 0.0);
        foreach (var candidate in there)
        {
            if (QualityOf(accepted, candidate.Coding) is var own && own > quality)
            {
                (best, quality) = (candidate, own);
            }
        }

        // A client that likes the file better as it is says so by a lower one.
        return quality >= (QualityOf(accepted, "identity", named: true) ?? 0) ? best : null;
    }

    private static double QualityOf(IList<StringWithQualityHeaderValue> accepted, string coding) => QualityOf(accepted, coding, named: false) ?? 0;

    private static double? QualityOf(IList<StringWithQualityHeaderValue> accepted, string coding, bool named) =>
        (Find(accepted, coding) ?? (named ? null : Find(accepted, "*"))) is { } found ? found.Quality ?? 1 : null;

    private static StringWithQualityHeaderValue? Find(IList<StringWithQualityHeaderValue> accepted, string coding) =>
        accepted.FirstOrDefault(value => value.Value.Equals(coding, StringComparison.OrdinalIgnoreCase));

    private sealed record Chosen(PathString Path, string Coding);
}
