using System.Text.Json.Serialization;

namespace SseApp.Gateway.Operators;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ReloadStatus))]
internal sealed partial class ReloadJsonContext : JsonSerializerContext;
