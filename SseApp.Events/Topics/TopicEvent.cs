namespace SseApp.Events.Topics;

/// <summary>One event of <c>GET /topics/{topic}/events</c>; <paramref name="Id"/> is the id that a stream of this topic alone has after it.</summary>
internal sealed record TopicEvent(long Offset, string Id, string Event, string Data, DateTimeOffset PublishedAt);
