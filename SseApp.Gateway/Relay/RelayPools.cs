using System.Collections.Concurrent;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Descriptors;

namespace SseApp.Gateway.Relay;

/// <summary>The relay connections to all replicas.</summary>
internal sealed class RelayPools(
    ReplicaDirectory directory,
    DescriptorBudget descriptors,
    RequestSignature signature,
    GatewayMetrics metrics,
    IOptions<RelayOptions> options,
    IOptions<UpstreamOptions> upstream,
    TimeProvider time,
    ILogger<RelayClientConnection> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<(string Replica, string Address), RelayPool> _pools = new();

    public RelayPool Get(string replica, string address) => _pools.GetOrAdd(
        (replica, address),
        static (key, self) => new RelayPool(key.Replica, new Uri(key.Address), self.Options, self.ConnectTimeout, self.Descriptors, self.Signature, self.Metrics, self.Logger),
        (Options: options.Value, upstream.Value.ConnectTimeout, Descriptors: descriptors, Signature: signature, Metrics: metrics, Logger: (ILogger)logger));

    public IEnumerable<RelayPool> All => _pools.Values;

    public override void Dispose()
    {
        foreach (var pool in _pools.Values)
        {
            pool.Dispose();
        }

        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.PingInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (var (key, pool) in _pools)
                {
                    pool.Tick();
                    if (!pool.Links.Any(link => link.IsOpen) && !IsRouted(key))
                    {
                        // A connection that is being made now would never be looked after.
                        _pools.TryRemove(key, out _);
                        pool.Dispose();
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops; the streams end by themselves.
        }
    }

    // A replica that returned under its id elsewhere is another one; the old address may be somebody else's by now.
    private bool IsRouted((string Replica, string Address) key) =>
        directory.Replicas.Any(replica => replica.Id == key.Replica && replica.Address.AbsoluteUri == key.Address);
}
