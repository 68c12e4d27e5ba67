namespace SseApp.Events.TopicApi;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TopicInfo))]
[JsonSerializable(typeof(TopicEvent))]
[JsonSerializable(typeof(TopicEvents))]
internal sealed partial class TopicsJsonContext : JsonSerializerContext;
