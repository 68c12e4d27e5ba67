namespace SseApp.Events.TopicApi;

/// <summary>Answer of <c>GET /topics/{topic}</c>. Epoch is null and both offsets are 0 for a topic without a log.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Epoch">The log's epoch.</param>
/// <param name="FirstOffset">The oldest event that the log holds.</param>
/// <param name="LastOffset">The newest event.</param>
/// <param name="LocalSubscribers">Streams of the topic on this replica.</param>
/// <param name="ClusterSubscribers">Streams of the topic on this replica and on all others that answered.</param>
/// <param name="UnansweredReplicas">Replicas that did not answer within a second; there may be more streams on them.</param>
/// <param name="SubscribedReplicas">Replicas of the cluster that hold streams of the topic, or did a moment ago.</param>
internal sealed record TopicInfo(
    string Topic,
    string? Epoch,
    long FirstOffset,
    long LastOffset,
    int LocalSubscribers,
    int ClusterSubscribers,
    int UnansweredReplicas,
    long SubscribedReplicas);
