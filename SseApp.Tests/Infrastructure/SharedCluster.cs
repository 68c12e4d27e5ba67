namespace SseApp.Tests.Infrastructure;

/// <summary>A Redis and a cluster for all tests of a class, started by the first one that asks for it.</summary>
public sealed class SharedCluster : IAsyncDisposable
{
    private ServiceCluster? _cluster;

    public RedisServer Redis { get; } = new();

    /// <summary>The cluster, whole again whatever the test before did to it.</summary>
    internal async Task<ServiceCluster> WholeAsync(ServiceClusterOptions? options = null)
    {
        if (_cluster is null)
        {
            _cluster = await ServiceCluster.StartAsync(Redis, options);
        }
        else
        {
            await _cluster.RestoreAsync();
        }

        return _cluster;
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        await Redis.DisposeAsync();
    }
}
