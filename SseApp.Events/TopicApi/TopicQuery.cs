using SseApp.Events.Log;

namespace SseApp.Events.TopicApi;

/// <summary>The topics of a stream, as a question about one names them: <c>?topic=a&amp;topic=b</c>.</summary>
internal static class TopicQuery
{
    /// <returns>Null when there are none, too many, or one that is no name.</returns>
    public static TopicSet? Read(IQueryCollection query, int maxTopics)
    {
        var names = query["topic"];
        return names.Count == 0 || names.Distinct(StringComparer.Ordinal).Count() > maxTopics || !names.All(TopicName.IsValid) ? null : new TopicSet(names!);
    }
}
