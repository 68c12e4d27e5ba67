namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Degraded before Redis is full, and while it would drop logs if it were: reading and open streams go on. Unhealthy if it would
/// have kept the service from starting.
/// </summary>
internal sealed class RedisMemoryHealthCheck(RedisMemory memory) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var reading = memory.Reading;
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["usedBytes"] = reading.Used,
            ["limitBytes"] = reading.Limit,
            ["storedBytes"] = reading.Stored,
            ["storedLimitBytes"] = reading.StoredLimit,
        };
        return Task.FromResult(memory switch
        {
            { IsRefused: true, Problem: { } problem } => HealthCheckResult.Unhealthy(problem, data: data),
            { IsFull: true } => HealthCheckResult.Degraded($"{reading.Fullness}; publishes are refused with 507. {reading.Remedy}.{And(memory.Problem)}", data: data),
            { Problem: { } problem } => HealthCheckResult.Degraded(problem, data: data),
            { IsFilling: true } => HealthCheckResult.Degraded($"{reading.Fullness}. {reading.Remedy}, before publishes are refused.", data: data),
            _ when reading is { Limit: 0, StoredLimit: 0 } => HealthCheckResult.Healthy(),
            _ => HealthCheckResult.Healthy($"{reading.Fullness}.", data),
        });
    }

    private static string And(string? problem) => problem is null ? "" : $" {problem}";
}
