using System.Text.Json.Serialization;

namespace SseApp.ServiceDefaults.Cluster.Operators;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TopicActivity[]))]
[JsonSerializable(typeof(TopicSubscribers))]
[JsonSerializable(typeof(ConnectionDetails[]))]
[JsonSerializable(typeof(DisconnectResult))]
public sealed partial class OperatorJsonContext : JsonSerializerContext;
