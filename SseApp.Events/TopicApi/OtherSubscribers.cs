namespace SseApp.Events.TopicApi;

/// <summary>Streams of a topic on the other replicas.</summary>
/// <param name="Count">On those that answered.</param>
/// <param name="Unanswered">Replicas that did not.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct OtherSubscribers(int Count, int Unanswered);
