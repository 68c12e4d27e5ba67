using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Http;

/// <summary>The page of another origin that sent a request. A gateway keeps the browser's <c>Origin</c> to itself and names in a header of its own the ones that it lets in.</summary>
internal static class ClientOrigin
{
    /// <returns>Null for a page of the service itself, and for a program.</returns>
    public static string? Of(HttpContext context) =>
        context.Features.Get<SignedRequest>() is not null ? Single(context.Request.Headers[StreamHeaders.Origin])
        : PageOrigin.IsOtherPage(context.Request) ? Single(context.Request.Headers.Origin) ?? "null"
        : null;

    private static string? Single(Microsoft.Extensions.Primitives.StringValues header) => header is [{ Length: > 0 } origin] ? origin : null;
}
