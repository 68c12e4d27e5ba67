namespace SseApp.Events.Topics;

/// <summary>Answer of <c>GET /topics/{topic}</c>. Epoch is null and both offsets are 0 for a topic without a log.</summary>
internal sealed record TopicInfo(string Topic, string? Epoch, long FirstOffset, long LastOffset, int LocalSubscribers);
