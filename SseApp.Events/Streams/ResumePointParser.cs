using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.Events.Topics;

namespace SseApp.Events.Streams;

internal static class ResumePointParser
{
    private const string Earliest = "earliest";
    private const int MaxHistory = 1_000_000;

    /// <summary>
    /// Reads where to begin. The header goes before the query: an EventSource that reconnects repeats its URL, and only
    /// the header is about where it was. An id goes before <c>history</c> and <c>from</c> for the same reason.
    /// </summary>
    /// <returns>The resume point, or the rule that the request breaks. A strange id breaks none: a client cannot help it.</returns>
    public static (ResumePoint Start, string? Rule) Parse(IHeaderDictionary headers, IQueryCollection query, TopicSet topics)
    {
        var history = 0;
        if (query["history"] is { Count: > 0 } given
            && (given.Count > 1 || !int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out history) || history > MaxHistory))
        {
            return (ResumePoint.Live, $"'history' is given once and is a whole number from 0 to {MaxHistory}: that many events of each topic come first.");
        }

        if (!TimeQuery.TryRead(query, "from", out var from))
        {
            return (ResumePoint.Live, $"'from' {TimeQuery.Rule}: the first event that was published then or later comes first.");
        }

        if (from is not null && query.ContainsKey("history"))
        {
            return (ResumePoint.Live, "'from' and 'history' each say where the stream begins: give one of them.");
        }

        if (from is not null && query.ContainsKey("to"))
        {
            return (ResumePoint.Live, "A stream has no end, so there is no 'to': GET /topics/{topic}/events has what was published between 'from' and 'to'.");
        }

        var id = headers["Last-Event-ID"].ToString();
        if (id.Length == 0)
        {
            id = query["lastEventId"].ToString();
        }

        if (id.Length == 0)
        {
            return (history == 0 && from is null ? ResumePoint.Live : ResumePoint.Live with { History = history, From = from }, null);
        }

        if (id == Earliest)
        {
            return (ResumePoint.Live with { Earliest = true }, null);
        }

        var positions = new MarkedPosition[topics.Count];
        return (PositionCodec.TryDecode(id, topics, positions)
            ? ResumePoint.Live with { Positions = positions }
            : ResumePoint.Live with { Unknown = true }, null);
    }
}
