using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.TopicApi;

/// <summary>
/// <c>GET /topics/{topic}/events?after=&amp;limit=</c>, or <c>?from=&amp;to=</c>, or <c>?epoch=&amp;after=</c>, or <c>?lastEventId=</c>: a part of the history, as JSON, or NDJSON if the client accepts that. It is
/// read in pages, the next one when the client has taken the one before it, so that each request holds one page.
/// </summary>
internal sealed class TopicHistory(HistoryReader history, HistorySearch search, RequestBudget budget, CredentialService credentials, EventsMetrics metrics)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1_000;
    private const int MaxBytes = 4 * 1024 * 1024;
    private const string Ndjson = "application/x-ndjson";

    private static readonly TimeSpan s_skew = TimeSpan.FromSeconds(10);

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

        if (Parse(topic, context.Request.Query, out var query) is { } rule)
        {
            return Problems.BadRequest("The range is not valid.", rule);
        }

        using var memory = budget.OpenLarge();
        if (!memory.TryTake(PageMemory))
        {
            return Busy(context);
        }

        HistoryRange range;
        HistoryPart page;
        try
        {
            (range, var begin) = await LocateAsync(topic, query, context.RequestAborted);
            if (begin is null)
            {
                return Problems.NotFound("The epoch is not known.", $"The topic has no events of it that are left. GET /topics/{topic} names the epochs that there are.");
            }

            query = begin.Value;
            page = await history.ReadAsync(topic, query.Epoch, query.After, query.Limit, PageBytes, context.RequestAborted);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topic cannot be read. Ask again after the time in Retry-After.");
        }
        catch (ArchiveUnavailableException exception)
        {
            return Problems.ArchiveUnavailable(context, $"These events are in the archive, which cannot be read now. {exception.Message}");
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
        await WriteAsync(topic, Caller.Of(context), query, range, page, writer, memory, context.RequestAborted);
        return TypedResults.Empty;
    }

    private static string? Parse(string topic, IQueryCollection query, out HistoryQuery parsed)
    {
        parsed = default;
        if (!TryRead(query, "after", 0, out var after))
        {
            return "'after' is an offset of 0 or more: events behind it are returned.";
        }

        if (!TryRead(query, "limit", DefaultLimit, out var limit) || limit is 0 or > MaxLimit)
        {
            return $"'limit' is a number of events from 1 to {MaxLimit}.";
        }

        if (!TimeQuery.TryRead(query, "from", out var from))
        {
            return $"'from' {TimeQuery.Rule}: events that were published then or later are returned.";
        }

        if (!TimeQuery.TryRead(query, "to", out var to))
        {
            return $"'to' {TimeQuery.Rule}: events that were published before it are returned.";
        }

        if (from is not null && (query.ContainsKey("after") || query.ContainsKey("epoch")))
        {
            return "'from' says where to begin, and so do 'after' and 'epoch': give one of them.";
        }

        if (from > to)
        {
            return "'from' is later than 'to': it is where to begin, and 'to' where to end.";
        }

        Epoch? epoch = null;
        if (query["epoch"] is { Count: > 0 } given)
        {
            if (given is not [{ Length: 16 } text] || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || value == 0)
            {
                return "'epoch' is given once, as answers have it: 16 hexadecimal digits.";
            }

            epoch = new Epoch(value);
        }

        MarkedPosition[]? seen = query["lastEventId"].Count > 0 ? new MarkedPosition[1] : null;
        if (seen is not null && (from is not null || query.ContainsKey("after") || query.ContainsKey("epoch")))
        {
            return "'lastEventId' says where to begin, and so do 'from', 'after' and 'epoch': give one of them.";
        }

        if (seen is not null && !(query["lastEventId"] is [{ } id] && PositionCodec.TryDecode(id, TopicSet.Of(topic), seen)))
        {
            return "'lastEventId' is given once: the id of an event of this topic's history, or of a stream of this topic alone.";
        }

        parsed = new HistoryQuery(epoch, after, (int)limit, from, to, seen);
        return null;
    }

    /// <summary>What there is of the topic, and the query with where to begin; null for an epoch that is not there.</summary>
    private async Task<(HistoryRange Range, HistoryQuery? Begin)> LocateAsync(string topic, HistoryQuery query, CancellationToken cancellationToken)
    {
        var range = await history.DescribeAsync(topic, cancellationToken);
        if (query.From is { } from)
        {
            var position = await search.FindAsync(topic, from, Timeout.InfiniteTimeSpan, cancellationToken);
            query = query with { Epoch = position.Epoch == default ? null : position.Epoch, After = position.Offset };
        }

        if (query.Seen is { } seen)
        {
            if (Behind(range, seen) is not { } position)
            {
                return (range, null);
            }

            query = query with { Epoch = position.Epoch, After = position.Offset };
        }

        if (query.Epoch is not { } epoch || epoch == range.Epoch)
        {
            return (range, query with { Epoch = null });
        }

        return Array.Find(range.Earlier, other => other.Epoch == epoch) is { } earlier
            ? (range with { Epoch = epoch, First = earlier.First, End = new LogEnd(new Position(epoch, earlier.Last), 0) }, query)
            : (range, null);
    }

    /// <summary>Where to go on behind the event of an id: in the next epoch when its own has nothing more; null when its epoch is not known.</summary>
    private static Position? Behind(HistoryRange range, MarkedPosition[] seen)
    {
        var ((mark, offset), bits) = (seen[0], PositionCodec.MarkBits(seen));
        if (mark == range.Epoch.Mark(bits))
        {
            return new Position(range.Epoch, offset);
        }

        var own = range.IndexOfEarlier(mark, bits);
        return own < 0 ? null
            : offset < range.Earlier[own].Last ? new Position(range.Earlier[own].Epoch, offset)
            : new Position(own + 1 < range.Earlier.Length ? range.Earlier[own + 1].Epoch : range.Epoch, 0);
    }

    private static bool TryRead(IQueryCollection query, string name, long otherwise, out long value)
    {
        value = otherwise;
        return query[name] is not { Count: > 0 } given || (given.Count == 1 && long.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out value));
    }

    // Named, and no less than the other form is.
    private static bool AcceptsNdjson(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().Accept;
        return QualityOf(Ndjson) is > 0 and var lines && lines >= QualityOf("application/json");

        double QualityOf(string type) => accepted.Where(accept => accept.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)).Select(accept => accept.Quality ?? 1).DefaultIfEmpty().Max();
    }

    // A page has one event at least, and that may be larger than a page.
    private static bool TryHold(HistoryPart page, MemoryShare memory) =>
        page.Entries is not [{ Block.Length: > PageBytes and var larger }] || memory.TryTake(2L * larger);

    private ProblemHttpResult Busy(HttpContext context)
    {
        metrics.ReadRefused(RequestRefusal.Busy);
        return Problems.Busy(context, "Other requests hold all the memory that this replica has for them (Memory:RequestBudget). Ask again after the time in Retry-After.");
    }

    /// <summary>
    /// Ends early, with what is whole, when the next page cannot be had: the log is another one, events that come next are no
    /// longer in it, Redis, the archive or memory is short, or the credential has ended or was revoked. Whoever reads on after the last event finds out.
    /// </summary>
    private async Task WriteAsync(
        string topic, Principal principal, HistoryQuery query, HistoryRange range, HistoryPart page, HistoryWriter writer, MemoryShare memory, CancellationToken cancellationToken)
    {
        var (end, bytes, limit) = (range.End.Position, (long)MaxBytes, query.Limit);
        var (from, to) = (query.From?.UnixMicroseconds() ?? 0, query.To?.UnixMicroseconds() ?? long.MaxValue);
        // By replicas' clocks, which differ a little.
        var last = to == long.MaxValue ? to : to + (long)s_skew.TotalMicroseconds;
        writer.Begin(range);
        while (true)
        {
            var over = false;
            foreach (var entry in page.Entries)
            {
                over = entry.PublishedAtMicroseconds >= last;
                if (over || limit == 0)
                {
                    break;
                }

                if (!entry.IsTombstone && (entry.GapReason is not null || (entry.PublishedAtMicroseconds >= from && entry.PublishedAtMicroseconds < to)))
                {
                    await writer.WriteAsync(entry);
                    bytes -= entry.Size;
                    limit--;
                }
            }

            if (over || limit <= 0 || bytes <= 0 || page.Entries is not [.., { Position: var newest }] || newest.Offset >= end.Offset
                || credentials.VerifyAgain(principal).Reason is not null
                || await ReadAsync(topic, query.Epoch, newest, (int)Math.Min(limit, end.Offset - newest.Offset), (int)Math.Min(PageBytes, bytes), cancellationToken) is not { } next
                || !TryHold(next, memory))
            {
                break;
            }

            page = next;
        }

        await writer.EndAsync();
    }

    /// <returns>Null when what comes after this position cannot be had.</returns>
    private async Task<HistoryPart?> ReadAsync(string topic, Epoch? epoch, Position after, int maxEvents, int maxBytes, CancellationToken cancellationToken)
    {
        try
        {
            var page = await history.ReadAsync(topic, epoch, after.Offset, maxEvents, maxBytes, cancellationToken);
            return page.Epoch == after.Epoch && page.Entries is [var first, ..] && first.After <= after.Offset ? page : null;
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || exception is ArchiveUnavailableException)
        {
            return null;
        }
    }

    /// <param name="Epoch">One that is over; null for the log as it is now.</param>
    /// <param name="After">Events behind this offset.</param>
    /// <param name="Limit">So many at most.</param>
    /// <param name="From">Published then or later.</param>
    /// <param name="To">Published before it.</param>
    /// <param name="Seen">What an id says: events behind it.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct HistoryQuery(Epoch? Epoch, long After, int Limit, DateTimeOffset? From, DateTimeOffset? To, MarkedPosition[]? Seen);
}
