namespace SseApp.Gateway.Operators;

/// <summary>Writes the status of one reload; its steps and the renewal of its lease may do so at the same time.</summary>
internal sealed class ReloadProgress(ReloadStatus status, ReloadStore store, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);

    public ReloadStatus Status { get; private set; } = status;

    public double Seconds => (time.GetUtcNow() - Status.StartedAt).TotalSeconds;

    public Task StepAsync(int index, Func<ReloadStep, ReloadStep> change) =>
        WriteAsync(status => status with { Steps = status.Steps.SetItem(index, change(status.Steps[index])) });

    public Task TouchAsync() => WriteAsync(status => status);

    public Task FinishAsync(ReloadState state, string detail) =>
        WriteAsync(status => status with { State = state, Detail = detail, FinishedAt = time.GetUtcNow() });

    public void Dispose() => _gate.Dispose();

    private async Task WriteAsync(Func<ReloadStatus, ReloadStatus> change)
    {
        await _gate.WaitAsync();
        try
        {
            if (Status.FinishedAt is null)
            {
                Status = change(Status) with { UpdatedAt = time.GetUtcNow() };
                await store.WriteAsync(Status, CancellationToken.None);
            }
        }
        finally
        {
            _gate.Release();
        }
    }
}
