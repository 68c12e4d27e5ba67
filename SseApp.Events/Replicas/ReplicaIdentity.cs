using System.Globalization;

namespace SseApp.Events.Replicas;

/// <summary>What this process is called in the registry, in telemetry and in <c>stream.open</c>.</summary>
internal sealed class ReplicaIdentity(IConfiguration configuration, TimeProvider time)
{
    private const string InstanceAttribute = "service.instance.id=";

    /// <summary>OpenTelemetry's <c>service.instance.id</c> if one is given, else machine, process and a random part.</summary>
    public string Id { get; } = FromTelemetry(configuration["OTEL_RESOURCE_ATTRIBUTES"]) ?? string.Create(
        CultureInfo.InvariantCulture, $"{Environment.MachineName}-{Environment.ProcessId}-{Random.Shared.Next(0x10000):x4}");

    /// <summary>Distinguishes this process from an earlier one under the same id.</summary>
    public DateTimeOffset StartedAt { get; } = time.GetUtcNow();

    private static string? FromTelemetry(string? attributes) =>
        attributes?.Split(',', StringSplitOptions.TrimEntries)
            .Where(attribute => attribute.StartsWith(InstanceAttribute, StringComparison.Ordinal) && attribute.Length > InstanceAttribute.Length)
            .Select(attribute => Uri.UnescapeDataString(attribute[InstanceAttribute.Length..]))
            .FirstOrDefault();
}
