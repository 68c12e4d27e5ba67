using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Defaults.Health;

namespace SseApp.Events.Archive;

/// <summary>Degraded while the archive cannot be reached or is behind; never more, because streams and publishes do not need it.</summary>
internal sealed class ArchiveHealthCheck(IEventArchive archive, ArchiveMetrics metrics, IOptions<ArchiveOptions> options, TimeProvider time) : IHealthCheck
{
    // Below TimeLimitedHealthChecks.Limit.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1.5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var started = time.GetTimestamp();
        var lag = TimeSpan.FromSeconds(metrics.LagSeconds());
        var data = new Dictionary<string, object>(StringComparer.Ordinal) { ["lagEvents"] = metrics.LagEvents, ["lagSeconds"] = Math.Round(lag.TotalSeconds, 3) };
        try
        {
            await archive.CheckAsync(cancellationToken).WaitAsync(s_limit, time, cancellationToken);
        }
        catch (Exception exception) when (exception is ArchiveUnavailableException or TimeoutException)
        {
            return HealthCheckResult.Degraded(
                $"The archive cannot be reached, so events stay in Redis and history ends where it does: {(exception is TimeoutException ? "the database does not answer." : exception.Message)}", exception, data);
        }

        data.Add(HealthResponseWriter.LatencyKey, time.GetElapsedTime(started).TotalMilliseconds);
        if (metrics.Problem is { } problem)
        {
            // A server may answer and yet take nothing, as with a full disk.
            return HealthCheckResult.Degraded($"Events are not archived, and stay in Redis: {problem}", data: data);
        }

        if (metrics.IsShared)
        {
            return HealthCheckResult.Degraded(
                "Another cluster writes to this database, with another Redis or another Cluster:KeyPrefix, so that topics of the same name are one history that each of them deletes and erases: give each cluster a database of its own.", data: data);
        }

        return lag > options.Value.MaxLag
            ? HealthCheckResult.Degraded(
                string.Create(CultureInfo.InvariantCulture, $"The archive is {lag.TotalSeconds:0} s behind ({metrics.LagEvents} events), more than Archive:MaxLag allows: the database or the archiver is too slow for what is published."), data: data)
            : HealthCheckResult.Healthy(data: data);
    }
}
