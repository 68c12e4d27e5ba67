namespace SseApp.Tests.Chaos;

/// <summary>Where an acknowledged event was stored.</summary>
internal readonly record struct StoredEvent(string Epoch, long Offset);
