namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>Degraded before Redis is full, and while it would drop logs if it were: reading and open streams go on.</summary>
internal sealed class RedisMemoryHealthCheck(RedisMemory memory) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var reading = memory.Reading;
        var data = new Dictionary<string, object>(StringComparer.Ordinal) { ["usedBytes"] = reading.Used, ["limitBytes"] = reading.Limit };
        return Task.FromResult(reading switch
        {
            { Limit: 0 } => HealthCheckResult.Healthy(),
            _ when memory.IsFull => HealthCheckResult.Degraded($"It is {reading.Fullness}; publishes are refused with 507. {reading.Remedy}.", data: data),
            { Policy: { } policy } => HealthCheckResult.Degraded(
                $"It is {reading.Fullness}, and when it is full it drops topic logs (maxmemory-policy is {policy}). Set maxmemory-policy to noeviction.", data: data),
            _ when memory.IsFilling => HealthCheckResult.Degraded($"It is {reading.Fullness}. {reading.Remedy}, before publishes are refused.", data: data),
            _ => HealthCheckResult.Healthy($"It is {reading.Fullness}.", data),
        });
    }
}
