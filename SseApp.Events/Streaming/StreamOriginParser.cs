using System.Globalization;
using SseApp.Events.Log;
using SseApp.Events.Topics;

namespace SseApp.Events.Streaming;

internal static class StreamOriginParser
{
    private const string Earliest = "earliest";
    private const int MaxHistory = 1_000_000;

    /// <summary>
    /// Reads where to begin. The header goes before the query: an EventSource that reconnects repeats its URL, and only
    /// the header is about where it was. An id goes before <c>history</c> for the same reason.
    /// </summary>
    /// <returns>The origin, or the rule that the request breaks. A strange id breaks none: a client cannot help it.</returns>
    public static (StreamOrigin Origin, string? Rule) Parse(IHeaderDictionary headers, IQueryCollection query, TopicSet topics)
    {
        var history = 0;
        if (query["history"] is { Count: > 0 } given
            && (given.Count > 1 || !int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out history) || history > MaxHistory))
        {
            return (StreamOrigin.Live, $"'history' is given once and is a whole number from 0 to {MaxHistory}: that many events of each topic come first.");
        }

        var id = headers["Last-Event-ID"].ToString();
        if (id.Length == 0)
        {
            id = query["lastEventId"].ToString();
        }

        if (id.Length == 0)
        {
            return (history == 0 ? StreamOrigin.Live : StreamOrigin.Live with { History = history }, null);
        }

        if (id == Earliest)
        {
            return (StreamOrigin.Live with { Earliest = true }, null);
        }

        var positions = new (uint Mark, long Offset)[topics.Count];
        return (PositionCodec.TryDecode(id, topics, positions)
            ? StreamOrigin.Live with { Positions = positions }
            : StreamOrigin.Live with { Unknown = true }, null);
    }
}
