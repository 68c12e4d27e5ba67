namespace SseApp.Tests.Infrastructure;

/// <summary>Lets origins report to the registry as replicas do, one every few milliseconds in turn, until it is disposed.</summary>
internal sealed class ReplicaReports : IAsyncDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(7);

    private readonly CancellationTokenSource _over = new();
    private readonly Task _reporting;

    public ReplicaReports(InMemoryReplicaRegistry registry, params OriginHost[] origins) => _reporting = ReportAsync(registry, origins);

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _reporting;
        _over.Dispose();
    }

    private async Task ReportAsync(InMemoryReplicaRegistry registry, OriginHost[] origins)
    {
        for (var i = 0; !_over.IsCancellationRequested; i++)
        {
            await registry.WriteAsync(origins[i % origins.Length].Record, announce: i % 2 == 0, CancellationToken.None);
            await Task.Delay(s_pause, TimeProvider.System, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
