namespace SseApp.Events.Publishing;

/// <summary>Where an event is stored. <paramref name="Id"/> is the SSE id that a stream of this topic alone gets with it.</summary>
internal sealed record PublishedEvent(string Topic, string Epoch, long Offset, string Id);
