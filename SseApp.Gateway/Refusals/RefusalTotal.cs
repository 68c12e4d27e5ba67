using SseApp.Gateway.Telemetry;

namespace SseApp.Gateway.Refusals;

/// <summary>
/// Requests that were right and that this gateway could not serve, since it started. What the client alone is to blame
/// for, such as an address that is denied or a body over the limit, is in the metric but not here.
/// </summary>
internal sealed class RefusalTotal(GatewayMetrics metrics) : IHostedService
{
    private long _total;

    public long Value => Interlocked.Read(ref _total);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        metrics.Begin(Refusal.All.Select(refusal => refusal.Reason));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Add() => Interlocked.Increment(ref _total);
}
