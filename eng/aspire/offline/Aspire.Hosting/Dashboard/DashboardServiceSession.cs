namespace Aspire.Hosting.Dashboard;

/// <summary>Ends the dashboard's streams when the resource service stops; they would hold back its end.</summary>
internal sealed class DashboardServiceSession(TimeProvider timeProvider) : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    public DateTimeOffset Started { get; } = timeProvider.GetUtcNow();

    public CancellationTokenSource Link(CancellationToken callCancelled) => CancellationTokenSource.CreateLinkedTokenSource(callCancelled, _stopping.Token);

    public Task StopAsync() => _stopping.CancelAsync();

    public void Dispose() => _stopping.Dispose();
}
