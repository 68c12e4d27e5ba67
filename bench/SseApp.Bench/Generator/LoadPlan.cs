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
/// <param name="Spread">Each lane is a topic of its own, and a stream has all of its topic's lanes.</param>
/// <param name="Resume">Where the streams go on; then it is told when each has all that it missed.</param>
/// <param name="Connecting">Openings at once. More handshakes than a listen backlog holds are dropped, and repeated a second later.</param>
internal sealed record LoadPlan(
    Target Target,
    int Streams,
    int Topics,
    int LanesPerTopic,
    int Publishers,
    int Size,
    bool Reconnect = false,
    string? Start = null,
    int LinePublishers = 0,
    bool Spread = false,
    Resume? Resume = null,
    int Connecting = 128)
{
    private readonly string _run = Guid.NewGuid().ToString("N")[..8];

    public string TopicName(int topic) => $"bench-{_run}-{topic}";

    public string TopicName(Lane lane) => Spread ? SpreadName(lane.Topic, lane.Index) : TopicName(lane.Topic);

    /// <summary>What a stream of the topic asks for.</summary>
    public string StreamTopics(int topic) =>
        Spread ? Target.Topics(Enumerable.Range(0, LanesPerTopic).Select(lane => SpreadName(topic, lane))) : TopicName(topic);

    private string SpreadName(int topic, int lane) => $"{TopicName(topic)}-{lane}";
}

/// <summary>Where streams were before.</summary>
/// <param name="Lanes">Of the load that published what they missed; their numbers go on.</param>
/// <param name="Ids">The <c>Last-Event-ID</c> of each topic's streams; null where the server knows none.</param>
internal sealed record Resume(Lane[] Lanes, string?[] Ids);
