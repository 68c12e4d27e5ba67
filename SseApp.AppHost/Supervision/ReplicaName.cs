namespace SseApp.AppHost.Supervision;

/// <summary>Finds the id under which an instance is in the replica registry: telemetry's <c>service.instance.id</c>.</summary>
internal static class ReplicaName
{
    private const string Variable = "OTEL_RESOURCE_ATTRIBUTES";
    private const string Attribute = "service.instance.id=";

    public static string? Of(CustomResourceSnapshot snapshot) =>
        snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == Variable)?.Value?
            .Split(',', StringSplitOptions.TrimEntries)
            .Where(part => part.StartsWith(Attribute, StringComparison.Ordinal))
            .Select(part => Uri.UnescapeDataString(part[Attribute.Length..]))
            .FirstOrDefault();
}
