namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>One topic with subscribers, on one replica or on all.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="Subscribers">Streams of the topic.</param>
/// <param name="PublishRate">Events a second, averaged over the last 5 to 10 s.</param>
/// <param name="DeliverRate">Events a second times the streams that get them.</param>
public sealed record TopicActivity(string Topic, int Subscribers, double PublishRate, double DeliverRate);
