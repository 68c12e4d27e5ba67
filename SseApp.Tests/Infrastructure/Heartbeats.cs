namespace SseApp.Tests.Infrastructure;

/// <summary>Renews the record of an origin as a replica does with its default interval, until it is disposed: then the record expires.</summary>
internal sealed class Heartbeats : IAsyncDisposable
{
    private readonly CancellationTokenSource _over = new();
    private readonly IReplicaRegistry _registry;
    private readonly OriginHost _origin;
    private readonly Task _beating;

    private Heartbeats(IReplicaRegistry registry, OriginHost origin)
    {
        (_registry, _origin) = (registry, origin);
        _beating = BeatAsync();
    }

    /// <summary>Announces the origin as ready, then goes on.</summary>
    public static async Task<Heartbeats> StartAsync(IReplicaRegistry registry, OriginHost origin)
    {
        await registry.WriteAsync(origin.Record, announce: true, TestContext.Current.CancellationToken);
        return new Heartbeats(registry, origin);
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _beating;
        _over.Dispose();
    }

    private async Task BeatAsync()
    {
        var interval = new ReplicaRegistryOptions().HeartbeatInterval;
        while (true)
        {
            await Task.Delay(interval, TimeProvider.System, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_over.IsCancellationRequested)
            {
                return;
            }

            await _registry.WriteAsync(_origin.Record, announce: false, CancellationToken.None);
        }
    }
}
