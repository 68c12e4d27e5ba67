using SseApp.Gateway.Alerts;

namespace SseApp.Tests.Infrastructure;

/// <summary>A book without Redis, for one gateway or several in this process.</summary>
internal sealed class InMemoryAlertStore(TimeProvider time) : IAlertStore
{
    private readonly Lock _gate = new();
    private AlertBook? _book;
    private int _version;

    public Task<(AlertBook? Book, string Version, DateTimeOffset Now)> ReadAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult((_book, $"{_version}", time.GetUtcNow()));
        }
    }

    public Task<bool> TryWriteAsync(AlertBook book, string version, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (version != $"{_version}")
            {
                return Task.FromResult(false);
            }

            _book = book;
            _version++;
            return Task.FromResult(true);
        }
    }
}
