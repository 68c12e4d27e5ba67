namespace SseApp.Events.Log;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(GapData))]
[JsonSerializable(typeof(StreamOpened))]
internal sealed partial class StreamingJsonContext : JsonSerializerContext;
