using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Net.Http.Headers;

namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>What replicas and gateways do alike with an event stream.</summary>
internal static class EventStreams
{
    public const string ContentType = "text/event-stream";

    /// <summary>Path of the replicas' stream endpoint.</summary>
    public const string Path = "/events";

    /// <summary>Path of the id of now.</summary>
    public const string PositionPath = "/position";

    /// <summary>True for every path that routing takes for that of the streams: <c>/Events/</c> too.</summary>
    public static bool IsPath(ReadOnlySpan<char> path) => path.TrimEnd('/').Equals(Path, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// True when the client names <c>text/event-stream</c> in <c>Accept</c>, as every EventSource does. <c>*/*</c> does
    /// not count: such a client (curl, fetch) can read a true status.
    /// </summary>
    public static bool IsAccepted(HttpRequest request)
    {
        foreach (var line in request.Headers.Accept)
        {
            // As an EventSource sends it.
            if (string.Equals(line, ContentType, StringComparison.Ordinal))
            {
                return true;
            }

            // Cheap test first: almost all requests that are no streams end here, without parsing.
            if (line is not null && line.Contains(ContentType, StringComparison.OrdinalIgnoreCase)
                && MediaTypeHeaderValue.TryParseList([line], out var accepted)
                && accepted.Any(type => type.MediaType.Equals(ContentType, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// True unless the client says that it takes no stream (RFC 9110, 12.5.1): what it takes names neither <c>text/event-stream</c>
    /// nor <c>text/*</c> nor <c>*/*</c>, or rules it out. What cannot be read says nothing.
    /// </summary>
    public static bool IsAcceptable(HttpRequest request)
    {
        if (request.Headers.Accept is [ContentType] || !MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted) || accepted.Count == 0)
        {
            return true;
        }

        // The most exact one counts.
        var best = accepted.Where(type => type.MatchesAllTypes || (type.Type.Equals("text", StringComparison.OrdinalIgnoreCase) && type.MatchesAllSubTypes)
                || type.MediaType.Equals(ContentType, StringComparison.OrdinalIgnoreCase))
            .MinBy(type => type.MatchesAllTypes ? 2 : type.MatchesAllSubTypes ? 1 : 0);
        return best is not null && best.Quality is not 0;
    }

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

    /// <summary>
    /// Answers a stream that cannot be had now with a stream that ends and says when to reconnect: any status but 200 closes
    /// an EventSource for ever (<see href="https://html.spec.whatwg.org/multipage/server-sent-events.html#processing-model">WHATWG HTML, 9.2.3</see>).
    /// </summary>
    /// <param name="context">The request, whose response has not begun.</param>
    /// <param name="reason">One that needs no escaping in JSON.</param>
    /// <param name="retryMilliseconds">When the client is to reconnect.</param>
    public static Task WriteUnavailableAsync(HttpContext context, string reason, int retryMilliseconds) =>
        WriteEndAsync(context, Unavailable(context.Request.Headers, reason, retryMilliseconds));

    /// <summary>Answers with a stream that has one event and ends.</summary>
    public static Task WriteEndAsync(HttpContext context, byte[] last)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        Prepare(context);
        return context.Response.Body.WriteAsync(last, context.RequestAborted).AsTask();
    }

    /// <summary>What a stream that cannot be had now sends.</summary>
    public static byte[] Unavailable(IHeaderDictionary request, string reason, int retryMilliseconds) => OnlyEvent(
        request,
        retryMilliseconds,
        string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            event: stream.unavailable
            data: {"reason":"{{reason}}","retryAfterMs":{{retryMilliseconds}}}


            """));

    /// <summary>All that a stream sends which ends with its first event.</summary>
    /// <param name="request">With the id that the client had last, which it is to keep.</param>
    /// <param name="retryMilliseconds">When the client is to reconnect.</param>
    /// <param name="only">The event, without an id.</param>
    public static byte[] OnlyEvent(IHeaderDictionary request, int retryMilliseconds, string only)
    {
        // By the letter of the standard a block without an id clears the client's last one. Byte for byte, as it came.
        var id = request["Last-Event-ID"] is [{ Length: > 0 } last] ? $"id: {last}\n" : "";
        return Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"retry: {retryMilliseconds}\n{id}{only}"));
    }

    /// <summary>The same for every other client: whole seconds, rounded up (RFC 9110, 10.2.3).</summary>
    public static void SetRetryAfter(HttpResponse response, int retryMilliseconds) =>
        response.Headers.RetryAfter = ((retryMilliseconds + 999) / 1000).ToString(CultureInfo.InvariantCulture);
}
