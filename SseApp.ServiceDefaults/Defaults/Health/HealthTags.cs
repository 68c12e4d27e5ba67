namespace SseApp.ServiceDefaults.Defaults.Health;

/// <summary>Tags that decide which endpoint a health check counts for.</summary>
public static class HealthTags
{
    /// <summary>Counts for <c>/alive</c>: unhealthy means that only a restart helps.</summary>
    public const string Live = "live";

    /// <summary>Counts for <c>/health</c>: unhealthy means that the service must get no new requests now.</summary>
    public const string Ready = "ready";

    /// <summary>A system that the service depends on: listed under <c>dependencies</c> with its latency.</summary>
    public const string Dependency = "dependency";
}
