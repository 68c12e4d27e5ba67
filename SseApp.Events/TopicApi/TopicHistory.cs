using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.TopicApi;

/// <summary>
/// <c>GET /topics/{topic}/events?after=&amp;limit=</c>: a part of the log, as JSON, or NDJSON if the client accepts that. It is
/// read in pages, the next one when the client has taken the one before it, so that each request holds one page.
/// </summary>
internal sealed class TopicHistory(ITopicLog log, RequestBudget budget, CredentialService credentials, EventsMetrics metrics)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1_000;
    private const int MaxBytes = 4 * 1024 * 1024;
    private const string Ndjson = "application/x-ndjson";

    // A page, and what its entries and the JSON of one of them take beside it.
    private const int PageBytes = 64 * 1024;
    private const int PageMemory = 4 * PageBytes;

    public async Task<IResult> HandleAsync(string topic, HttpContext context)
    {
        topic = TopicPaths.Name(topic);
        if (!TopicName.IsValid(topic))
        {
            return Problems.BadRequest("The topic is not valid.", TopicName.Rule);
        }

        if (!TryRead(context.Request.Query, "after", 0, out var after))
        {
            return Problems.BadRequest("The range is not valid.", "'after' is an offset of 0 or more: events behind it are returned.");
        }

        if (!TryRead(context.Request.Query, "limit", DefaultLimit, out var limit) || limit is 0 or > MaxLimit)
        {
            return Problems.BadRequest("The range is not valid.", $"'limit' is a number of events from 1 to {MaxLimit}.");
        }

        using var memory = budget.OpenLarge();
        if (!memory.TryTake(PageMemory))
        {
            return Busy(context);
        }

        LogPage page;
        try
        {
            page = await log.ReadAsync(topic, after, (int)limit, PageBytes);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topic cannot be read. Ask again after the time in Retry-After.");
        }

        if (!TryHold(page, memory))
        {
            return Busy(context);
        }

        var ndjson = AcceptsNdjson(context.Request);
        context.Response.ContentType = (ndjson ? Ndjson : "application/json") + "; charset=utf-8";
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return TypedResults.Empty;
        }

        using var writer = new HistoryWriter(topic, ndjson, context.Response.BodyWriter, context.RequestAborted);
        await WriteAsync(topic, Caller.Of(context), (int)limit, page, writer, memory);
        return TypedResults.Empty;
    }

    private static bool TryRead(IQueryCollection query, string name, long otherwise, out long value)
    {
        value = otherwise;
        return query[name] is not { Count: > 0 } given || (given.Count == 1 && long.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out value));
    }

    private static bool AcceptsNdjson(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(accept => accept.MediaType.Equals(Ndjson, StringComparison.OrdinalIgnoreCase) && accept.Quality is not 0);

    // A page has one event at least, and that may be larger than a page.
    private static bool TryHold(LogPage page, MemoryShare memory) =>
        page.Entries is not [{ Block.Length: > PageBytes and var larger }] || memory.TryTake(2L * larger);

    private ProblemHttpResult Busy(HttpContext context)
    {
        metrics.ReadRefused(RequestRefusal.Busy);
        return Problems.Busy(context, "Other requests hold all the memory that this replica has for them (Memory:RequestBudget). Ask again after the time in Retry-After.");
    }

    /// <summary>
    /// Ends early, with what is whole, when the next page cannot be had: the log is another one, events that come next are no
    /// longer in it, Redis or memory is short, or the credential has ended or was revoked. Whoever reads on after the last event finds out.
    /// </summary>
    private async Task WriteAsync(string topic, Principal principal, int limit, LogPage page, HistoryWriter writer, MemoryShare memory)
    {
        var (end, bytes) = (page.End.Position, (long)MaxBytes);
        writer.Begin(page);
        while (true)
        {
            foreach (var entry in page.Entries)
            {
                await writer.WriteAsync(entry);
                bytes -= entry.Size;
            }

            limit -= page.Entries.Length;
            if (limit <= 0 || bytes <= 0 || page.Entries is not [.., { Position: var last }] || last.Offset >= end.Offset
                || credentials.VerifyAgain(principal).Reason is not null
                || await ReadAsync(topic, last, (int)Math.Min(limit, end.Offset - last.Offset), (int)Math.Min(PageBytes, bytes)) is not { } next
                || !TryHold(next, memory))
            {
                break;
            }

            page = next;
        }

        await writer.EndAsync();
    }

    /// <returns>Null when what comes after this position cannot be had.</returns>
    private async Task<LogPage?> ReadAsync(string topic, Position after, int maxEvents, int maxBytes)
    {
        try
        {
            var page = await log.ReadAsync(topic, after.Offset, maxEvents, maxBytes);
            return page.Epoch == after.Epoch && page.First <= after.Offset + 1 && page.Entries.Length > 0 ? page : null;
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return null;
        }
    }
}
