namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>What a process is called in the registry, where telemetry gives it a name: OpenTelemetry's <c>service.instance.id</c>.</summary>
internal static class InstanceId
{
    /// <summary>The variable that has it, among other attributes.</summary>
    public const string Variable = "OTEL_RESOURCE_ATTRIBUTES";

    private const string Attribute = "service.instance.id=";

    /// <param name="attributes">The variable's value.</param>
    public static string? Of(string? attributes) =>
        attributes?.Split(',', StringSplitOptions.TrimEntries)
            .Where(attribute => attribute.StartsWith(Attribute, StringComparison.Ordinal) && attribute.Length > Attribute.Length)
            .Select(attribute => Uri.UnescapeDataString(attribute[Attribute.Length..]))
            .FirstOrDefault();

    /// <summary>The name in a segment of a path, of which routing decodes every escape but <c>%2F</c>.</summary>
    public static string OfSegment(string segment) => segment.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
