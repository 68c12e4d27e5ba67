namespace SseApp.Events.TopicApi;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TopicInfo))]
internal sealed partial class TopicsJsonContext : JsonSerializerContext;
