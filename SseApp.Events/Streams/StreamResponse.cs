using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace SseApp.Events.Streams;

internal static class StreamResponse
{
    public const string ContentType = "text/event-stream";

    /// <summary>Headers and server features of a stream: nothing between here and the client may hold it back or cut it.</summary>
    public static void Prepare(HttpContext context)
    {
        var headers = context.Response.Headers;
        context.Response.ContentType = ContentType;
        headers.CacheControl = "no-cache, no-store, must-revalidate, no-transform";
        headers["X-Accel-Buffering"] = "no";
        headers.ContentEncoding = "identity";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        // Kestrel would abort a slow reader by its own rule (240 B/s); ours knows backlog and age.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }
    }
}
