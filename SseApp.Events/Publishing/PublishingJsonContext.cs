namespace SseApp.Events.Publishing;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(BatchItem))]
[JsonSerializable(typeof(BatchResult))]
[JsonSerializable(typeof(PublishedEvent))]
internal sealed partial class PublishingJsonContext : JsonSerializerContext;
