using SseApp.Events.Http;
using SseApp.Events.Log;

namespace SseApp.Events.TopicApi;

/// <summary><c>GET /topics/{topic}/events?after=&amp;limit=</c>: a page of the log, as JSON, or NDJSON if the client accepts that.</summary>
internal static class TopicHistory
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1_000;
    private const int MaxBytes = 4 * 1024 * 1024;
    private const string Ndjson = "application/x-ndjson";

    public static async Task<IResult> HandleAsync(string topic, HttpContext context, ITopicLog log)
    {
        topic = TopicName.FromRoute(topic);
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

        try
        {
            var page = await log.ReadAsync(topic, after, (int)limit, MaxBytes);
            var exists = page.Last > 0;
            var alone = new TopicSet([topic]);
            TopicEvent[] events = [.. page.Entries.Select(entry => Convert(alone, entry))];
            return AcceptsNdjson(context.Request)
                ? TypedResults.Text(
                    string.Concat(events.Select(item => JsonSerializer.Serialize(item, TopicsJsonContext.Default.TopicEvent) + "\n")), Ndjson)
                : TypedResults.Json(
                    new TopicEvents(topic, exists ? page.Epoch.ToString() : null, exists ? page.First : 0, page.Last, events),
                    TopicsJsonContext.Default.TopicEvents);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topic cannot be read. Ask again after the time in Retry-After.");
        }
    }

    private static bool TryRead(IQueryCollection query, string name, long otherwise, out long value)
    {
        value = otherwise;
        return query[name] is not { Count: > 0 } given || (given.Count == 1 && long.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out value));
    }

    private static bool AcceptsNdjson(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(accept => accept.MediaType.Equals(Ndjson, StringComparison.OrdinalIgnoreCase) && accept.Quality is not 0);

    private static TopicEvent Convert(TopicSet topics, LogEntry entry)
    {
        var id = PositionCodec.Encode(topics, [entry.Position]);
        if (entry.GapReason is not null)
        {
            return new TopicEvent(entry.Position.Offset, id, null, null, null, "The log holds something at this offset that is no event.");
        }

        var (type, data) = SseEncoder.Decode(entry.Block.Span);
        return new TopicEvent(
            entry.Position.Offset,
            id,
            type,
            data,
            DateTimeOffset.UnixEpoch.AddTicks(entry.PublishedAtMicroseconds * TimeSpan.TicksPerMicrosecond));
    }
}

/// <summary>
/// Answer of <c>GET /topics/{topic}/events</c>. <paramref name="FirstOffset"/> and <paramref name="LastOffset"/> are
/// what the log holds; there is more to read while the last event's offset is below LastOffset.
/// </summary>
internal sealed record TopicEvents(string Topic, string? Epoch, long FirstOffset, long LastOffset, TopicEvent[] Events);

/// <summary>One event of <c>GET /topics/{topic}/events</c>, or what stands at the offset of one that cannot be read.</summary>
/// <param name="Offset">Its place in the log; contiguous within a page.</param>
/// <param name="Id">The id that a stream of this topic alone has after it.</param>
/// <param name="Event">Its type.</param>
/// <param name="Data">As a client of the stream gets it.</param>
/// <param name="PublishedAt">When a replica accepted it.</param>
/// <param name="Error">Why there is nothing but the offset; then <c>event</c>, <c>data</c> and <c>publishedAt</c> are left out.</param>
internal sealed record TopicEvent(
    long Offset,
    string Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Event,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? PublishedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error = null);
