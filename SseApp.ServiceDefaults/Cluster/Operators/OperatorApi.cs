using System.Text.Json.Serialization;

namespace SseApp.ServiceDefaults.Cluster.Operators;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TopicActivity[]))]
[JsonSerializable(typeof(TopicSubscribers))]
[JsonSerializable(typeof(TopicLogInfo[]))]
[JsonSerializable(typeof(ConnectionDetails[]))]
[JsonSerializable(typeof(DisconnectResult))]
[JsonSerializable(typeof(ProcessDetails))]
internal sealed partial class OperatorJsonContext : JsonSerializerContext;

/// <summary>One open stream.</summary>
/// <param name="Id">As in its <c>stream.open</c>; 16 hexadecimal digits.</param>
/// <param name="Replica">The replica that holds it.</param>
/// <param name="Client">Address of the client, as the gateway reports it; null if unknown.</param>
/// <param name="Topics">What it is subscribed to.</param>
/// <param name="ConnectedAt">When it was opened.</param>
/// <param name="BacklogBytes">What waits for a client that reads slowly; 0 for most.</param>
internal sealed record ConnectionDetails(
    string Id, string Replica, string? Client, IReadOnlyList<string> Topics, DateTimeOffset ConnectedAt, long BacklogBytes);

/// <summary>How many streams a replica has begun to end.</summary>
internal sealed record DisconnectResult(int Disconnected);

/// <summary>One topic with subscribers, on one replica or on all.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="Subscribers">Streams of the topic.</param>
/// <param name="PublishRate">Events a second, averaged over the last 5 to 10 s.</param>
/// <param name="DeliverRate">Events a second times the streams that get them.</param>
internal sealed record TopicActivity(string Topic, int Subscribers, double PublishRate, double DeliverRate);

/// <summary>The log of a topic, which is the same for all replicas.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="Epoch">Null without a log.</param>
/// <param name="FirstOffset">The oldest event that is there; 0 without a log.</param>
/// <param name="LastOffset">The newest one.</param>
/// <param name="NewestAt">When that was published; null when it is not known.</param>
internal sealed record TopicLogInfo(string Topic, string? Epoch, long FirstOffset, long LastOffset, DateTimeOffset? NewestAt);

/// <summary>In which order a list of topics comes.</summary>
internal static class TopicSort
{
    /// <summary>Ordinal, in pages.</summary>
    public const string Name = "name";

    /// <summary>Most writes a second first; one page.</summary>
    public const string Busiest = "busiest";

    public const string Rule = $"'sort' is '{Name}' or '{Busiest}'.";

    public static bool IsValid(string sort) => sort is Name or Busiest;
}

/// <summary>How many streams of a topic one replica has.</summary>
internal sealed record TopicSubscribers(string Topic, int Subscribers);

/// <summary>Lists of the operator API are read in pages: what comes after the last one read, in ordinal order.</summary>
internal static class Paging
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    public static readonly string Rule = $"'limit' is a whole number from 1 to {MaxLimit}.";

    public static bool IsValid(int limit) => limit is >= 1 and <= MaxLimit;
}
