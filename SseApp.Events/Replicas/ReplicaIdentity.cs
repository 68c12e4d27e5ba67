namespace SseApp.Events.Replicas;

/// <summary>What this process is called in the registry, in telemetry and in <c>stream.open</c>.</summary>
internal sealed class ReplicaIdentity(IConfiguration configuration, TimeProvider time)
{
    /// <summary>OpenTelemetry's <c>service.instance.id</c> if one is given, else machine, process and a random part.</summary>
    public string Id { get; } = InstanceId.Of(configuration[InstanceId.Variable]) ?? string.Create(
        CultureInfo.InvariantCulture, $"{Environment.MachineName}-{Environment.ProcessId}-{Random.Shared.Next(0x10000):x4}");

    /// <summary>Distinguishes this process from an earlier one under the same id.</summary>
    public DateTimeOffset StartedAt { get; } = time.GetUtcNow();
}
