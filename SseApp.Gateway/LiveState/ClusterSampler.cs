using SseApp.Gateway.Balancing;
using SseApp.Gateway.Health;
using SseApp.Gateway.Refusals;
using SseApp.Gateway.Replicas;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.LiveState;

/// <summary>Looks at the cluster once a second, in memory alone. One thread at a time.</summary>
internal sealed class ClusterSampler(
    ReplicaDirectory directory, LostReplicas lost, LoadLedger ledger, IProxyStateLookup proxy, RefusalTotal refusals, IOptions<ReplicaRegistryOptions> registry, TimeProvider time)
{
    private static readonly TimeSpan s_minStale = TimeSpan.FromSeconds(3);

    // Replicas have an interval of their own, which need not be the gateway's.
    private readonly TimeSpan _stale = TimeSpan.FromTicks(Math.Max(s_minStale.Ticks, 3 * registry.Value.HeartbeatInterval.Ticks));
    private readonly Dictionary<string, ReplicaRates> _rates = new(StringComparer.Ordinal);
    private long _refused = refusals.Value;
    private long _at = time.GetTimestamp();

    public ClusterPoint Take()
    {
        var frozen = lost.Frozen.Select(replica => replica.Id).ToHashSet(StringComparer.Ordinal);
        var replicas = directory.Replicas.Where(replica => !frozen.Contains(replica.Id)).ToArray();
        foreach (var gone in _rates.Keys.Except(replicas.Select(replica => replica.Id), StringComparer.Ordinal).ToArray())
        {
            _rates.Remove(gone);
        }

        foreach (var replica in replicas)
        {
            if (!_rates.TryGetValue(replica.Id, out var known) || !known.IsOf(replica))
            {
                _rates[replica.Id] = known = new ReplicaRates(replica, time.GetTimestamp());
            }

            known.Take(replica, time, _stale);
        }

        var seconds = time.GetElapsedTime(_at).TotalSeconds;
        var refused = refusals.Value - _refused;
        (_at, _refused) = (time.GetTimestamp(), refusals.Value);
        return new ClusterPoint
        {
            At = time.GetUtcNow(),
            Published = Sum(rates => rates.Published),
            Delivered = Sum(rates => rates.Delivered),
            Connects = Sum(rates => Math.Max(0, rates.Opened - rates.Resumed)),
            Reconnects = Sum(rates => rates.Resumed),
            Refused = seconds > 0 ? (Sum(rates => rates.Refused) ?? 0) + (refused / seconds) : null,
            Gaps = Sum(rates => rates.Gaps),
            P50 = _rates.Values.Max(rates => rates.P50),
            P99 = _rates.Values.Max(rates => rates.P99),
            GatewayMemory = Environment.WorkingSet,
            Replicas = [.. replicas.Select(replica => new ReplicaPoint(replica.Id, Streams(replica), replica.WorkingSetBytes))],
        };
    }

    /// <summary>What a replica does in a second; null when that is not known.</summary>
    public Rates? RatesOf(string id) => _rates.GetValueOrDefault(id)?.Current;

    private double? Sum(Func<Rates, double> what) =>
        _rates.Values.Any(rates => rates.Current is not null) ? _rates.Values.Sum(rates => rates.Current is { } current ? what(current) : 0) : null;

    // A heartbeat is up to a second old, and the record of a replica that was killed lives for five. This gateway's own streams
    // end at once, and what others hold of a replica that fails here is as good as gone.
    private int Streams(ReplicaRecord replica)
    {
        var (own, elsewhere) = ledger.StreamsOf(replica.Id);
        var isUnhealthy = proxy.TryGetCluster(ReplicaDirectory.ClusterId, out var cluster)
            && cluster.Destinations.TryGetValue(replica.Id, out var destination) && !ReadyReplicas.IsHealthy(destination);
        return own + (isUnhealthy ? 0 : elsewhere);
    }
}
