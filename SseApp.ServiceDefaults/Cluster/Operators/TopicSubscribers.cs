namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>How many streams of a topic one replica has.</summary>
public sealed record TopicSubscribers(string Topic, int Subscribers);
