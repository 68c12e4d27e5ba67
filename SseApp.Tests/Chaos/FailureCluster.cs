namespace SseApp.Tests.Chaos;

/// <summary>One cluster for every single failure: each part that may fail is one that a test can reach.</summary>
public sealed class FailureCluster : IAsyncDisposable
{
    private const int Replicas = 2;

    private ServiceCluster? _cluster;
    private RedisServer? _redis;

    /// <summary>The clock of all services but <see cref="Odd"/>.</summary>
    internal SteppedClock Clock { get; } = new();

    internal SteppedClock OddClock { get; } = new();

    /// <summary>Where Redis writes.</summary>
    internal SmallDisk Disk { get; private set; } = null!;

    /// <summary>The way of <see cref="Odd"/> to Redis.</summary>
    internal TcpPipe Pipe { get; } = new();

    /// <summary>A replica with a clock and a way to Redis of its own.</summary>
    internal ServiceProcess Odd { get; private set; } = null!;

    /// <summary>The cluster, with all of its replicas healthy.</summary>
    internal async Task<ServiceCluster> WholeAsync()
    {
        _cluster ??= await StartAsync();
        await _cluster.HealthyAsync(Replicas + 1);
        return _cluster;
    }

    public async ValueTask DisposeAsync()
    {
        await (_cluster?.DisposeAsync() ?? default);
        await (_redis?.DisposeAsync() ?? default);
        await (Disk?.DisposeAsync() ?? default);
        await Pipe.DisposeAsync();
        Clock.Dispose();
        OddClock.Dispose();
    }

    private async Task<ServiceCluster> StartAsync()
    {
        Disk = await SmallDisk.MountAsync();
        _redis = new RedisServer("--appendonly", "yes", "--appendfsync", "everysec", "--dir", Disk.Folder);
        var cluster = await ServiceCluster.StartAsync(_redis, new ServiceClusterOptions { Replicas = Replicas, Piped = true, Settings = Clock.Environment });
        Pipe.Target = new Uri($"http://127.0.0.1:{_redis.Port}");
        Odd = cluster.Add("odd");
        Odd.Changes["ConnectionStrings__redis"] = _redis.ConnectionString.Replace($"{_redis.Port}", $"{Pipe.Address.Port}", StringComparison.Ordinal);
        foreach (var (key, value) in OddClock.Environment)
        {
            Odd.Changes[key] = value;
        }

        await Odd.StartAsync();
        return cluster;
    }
}
