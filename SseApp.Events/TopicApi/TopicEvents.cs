namespace SseApp.Events.TopicApi;

/// <summary>
/// Answer of <c>GET /topics/{topic}/events</c>. <paramref name="FirstOffset"/> and <paramref name="LastOffset"/> are
/// what the log holds; there is more to read while the last event's offset is below LastOffset.
/// </summary>
internal sealed record TopicEvents(string Topic, string? Epoch, long FirstOffset, long LastOffset, TopicEvent[] Events);
