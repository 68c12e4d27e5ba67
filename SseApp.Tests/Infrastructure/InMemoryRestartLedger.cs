namespace SseApp.Tests.Infrastructure;

internal sealed class InMemoryRestartLedger : IRestartLedger
{
    private readonly Lock _gate = new();
    private readonly List<RestartRecord> _records = [];

    public Task AddAsync(RestartRecord restart, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _records.Insert(0, restart);
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<RestartRecord>> ReadAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult<IReadOnlyList<RestartRecord>>([.. _records]);
        }
    }
}
