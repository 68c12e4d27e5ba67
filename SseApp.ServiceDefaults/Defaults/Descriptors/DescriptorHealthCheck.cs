namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>Degraded while new streams are refused for want of descriptors; those that are open are served.</summary>
internal sealed class DescriptorHealthCheck(DescriptorBudget budget) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(budget.IsTight
            ? HealthCheckResult.Degraded(
                $"{budget.Open} of the {budget.Limit} files that the process may have open are; new streams are refused. Raise the limit of open files (ulimit -n, LimitNOFILE=, ulimits.nofile) or add processes.")
            : HealthCheckResult.Healthy());
}
