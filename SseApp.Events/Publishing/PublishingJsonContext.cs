namespace SseApp.Events.Publishing;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BatchResult))]
[JsonSerializable(typeof(PublishedEvent))]
internal sealed partial class PublishingJsonContext : JsonSerializerContext;
