using System.Text.Json.Serialization;

namespace SseApp.Events.TopicApi;

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
