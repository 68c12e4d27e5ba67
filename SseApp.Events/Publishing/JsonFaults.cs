namespace SseApp.Events.Publishing;

/// <summary>What is wrong with JSON that somebody sent. The serializer's own words name types of this program.</summary>
internal static class JsonFaults
{
    public static string Describe(Exception exception) => exception switch
    {
        // Syntax: the reader knows no types.
        JsonException { InnerException: JsonException syntax } => syntax.Message,
        JsonException syntax when syntax.GetType() != typeof(JsonException) => syntax.Message,
        JsonException { Path: { Length: > 0 } path } fault => $"{path} is of the wrong kind, or there twice. At byte {(fault.BytePositionInLine ?? 0).ToString(CultureInfo.InvariantCulture)}.",
        JsonException => "it is of the wrong kind, or has a member twice.",
        // Text that is no Unicode, in some places.
        _ => "it has text that is not UTF-8.",
    };
}
