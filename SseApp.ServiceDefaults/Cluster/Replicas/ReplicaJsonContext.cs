using System.Text.Json.Serialization;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(ReplicaRecord))]
[JsonSerializable(typeof(ReplicaChange))]
[JsonSerializable(typeof(RestartRecord))]
[JsonSerializable(typeof(ReplicaCommand))]
internal sealed partial class ReplicaJsonContext : JsonSerializerContext;
