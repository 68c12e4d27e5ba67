namespace SseApp.Bench.Generator;

/// <summary>The shape of one load.</summary>
/// <param name="Target">The server.</param>
/// <param name="Streams">Streams, spread evenly over the topics.</param>
/// <param name="Topics">Topics.</param>
/// <param name="LanesPerTopic">Concurrent publishers that one topic may have.</param>
/// <param name="Publishers">Connections that publish.</param>
/// <param name="Size">Bytes of data in an event.</param>
/// <param name="Reconnect">Streams reconnect as an EventSource does: after <c>retry</c>, with <c>Last-Event-ID</c>.</param>
/// <param name="LinePublishers">Connections with a publish that streams.</param>
/// <param name="Start">The <c>Last-Event-ID</c> that streams begin with; null: with the next event.</param>
internal sealed record LoadPlan(
    Target Target, int Streams, int Topics, int LanesPerTopic, int Publishers, int Size, bool Reconnect = false, string? Start = null, int LinePublishers = 0)
{
    private readonly string _run = Guid.NewGuid().ToString("N")[..8];

    public string TopicName(int topic) => $"bench-{_run}-{topic}";
}
