namespace SseApp.ServiceDefaults.Cluster.WarmUp;

/// <summary>Whether the service is warm, or has given up to become so; one that need not be is warm from the start.</summary>
internal sealed class WarmUpState : IDisposable
{
    private readonly CancellationTokenSource _done = new();

    public WarmUpState(IOptions<WarmUpOptions> options)
    {
        if (!options.Value.Enabled)
        {
            Complete();
        }
    }

    /// <summary>Is cancelled when it is.</summary>
    public CancellationToken Done => _done.Token;

    public void Complete() => _done.Cancel();

    public void Dispose() => _done.Dispose();
}

/// <summary>Not ready before it is warm.</summary>
internal sealed class WarmUpHealthCheck(WarmUpState state) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(state.Done.IsCancellationRequested
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy($"The service opens streams to itself, so that its code is compiled when clients come ({WarmUpOptions.SectionName})."));
}
