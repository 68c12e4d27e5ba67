namespace SseApp.ServiceDefaults.Defaults.Health;

/// <summary>
/// Gives every registered check at most <see cref="Limit"/>. The framework's own timeout only cancels a token; a check
/// that ignores it would hold the probe until the prober stops waiting and takes a slow dependency for a dead process.
/// </summary>
internal sealed class TimeLimitedHealthChecks(TimeProvider time) : IPostConfigureOptions<HealthCheckServiceOptions>
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public void PostConfigure(string? name, HealthCheckServiceOptions options)
    {
        foreach (var registration in options.Registrations)
        {
            var factory = registration.Factory;
            registration.Factory = services => new TimeLimitedHealthCheck(factory(services), time);
        }
    }

    private sealed class TimeLimitedHealthCheck(IHealthCheck inner, TimeProvider time) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.CheckHealthAsync(context, cancellationToken).WaitAsync(Limit, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, $"No answer within {Limit.TotalSeconds:0} s.");
            }
        }
    }
}
