using SseApp.ServiceDefaults.Defaults.Health;

namespace SseApp.ServiceDefaults.Cluster.Redis;

internal sealed class RedisHealthCheck(RedisStatus status, RedisTopology topology, IOptions<RedisHealthOptions> options, TimeProvider time) : IHealthCheck
{
    // Below TimeLimitedHealthChecks.Limit, so that the grace period also covers a server that hangs.
    private static readonly TimeSpan s_pingLimit = TimeSpan.FromSeconds(1.5);

    private const string Refused =
        $"It does not take the user or password of {ClusterRedisExtensions.ConnectionSetting}: if they were changed there, change them here and restart the service.";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var latency = await status.PingAsync(cancellationToken).WaitAsync(s_pingLimit, time, cancellationToken);
            var data = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                [HealthResponseWriter.LatencyKey] = latency.TotalMilliseconds,
            };
            return status.StoresNothing is { } nothing ? HealthCheckResult.Degraded(nothing, data: data)
                : !status.IsSubscribed
                ? HealthCheckResult.Degraded(
                    "Redis answers, but the connection for subscriptions cannot be made: what other processes publish is found only by looking into the log (Topics:CheckInterval). Has it as many clients as it may (maxclients)?",
                    data: data)
                : latency <= options.Value.SlowAfter
                ? HealthCheckResult.Healthy(data: data)
                : HealthCheckResult.Degraded(
                    $"Redis is slow: it answered after {latency.TotalMilliseconds:0} ms, more than the {options.Value.SlowAfter.TotalMilliseconds:0} ms that are normal.",
                    data: data);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            var grace = options.Value.GracePeriod;
            return status.TimeSinceLastAnswer switch
            {
                null when status.IsRefused => new HealthCheckResult(context.Registration.FailureStatus, Refused, exception),
                null => new HealthCheckResult(
                    context.Registration.FailureStatus,
                    topology.Problem ?? "Redis has not answered since the service started; check ConnectionStrings:redis, that the server runs, and that it takes one more client (maxclients).",
                    exception),
                { } outage when outage <= grace => HealthCheckResult.Degraded(
                    $"Redis has been unavailable for {outage.TotalSeconds:0} s of the {grace.TotalSeconds:0} s that are tolerated.{(status.IsRefused ? $" {Refused}" : "")}", exception),
                { } outage => new HealthCheckResult(
                    context.Registration.FailureStatus,
                    $"Redis has been unavailable for {outage.TotalSeconds:0} s{(status.IsRefused ? $". {Refused}" : $"; check {ClusterRedisExtensions.ConnectionSetting} and that the server runs.")}",
                    exception),
            };
        }
    }
}
