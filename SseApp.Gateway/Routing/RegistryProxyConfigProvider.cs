using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Primitives;
using SseApp.Gateway.Replicas;

namespace SseApp.Gateway.Routing;

/// <summary>
/// Gives YARP the Events cluster. Heartbeats change counts every second; only what matters for routing (who is ready,
/// where, with which weight) makes a new configuration.
/// </summary>
internal sealed class RegistryProxyConfigProvider : IProxyConfigProvider, IDisposable
{
    private readonly Lock _gate = new();
    private readonly ReplicaDirectory _directory;
    private readonly EventsCluster _cluster;
    private HashSet<RoutedReplica> _routed;
    private ExpiringProxyConfig _config;

    public RegistryProxyConfigProvider(ReplicaDirectory directory, EventsCluster cluster)
    {
        _directory = directory;
        _cluster = cluster;
        var replicas = directory.Replicas;
        _routed = Routed(replicas);
        _config = new ExpiringProxyConfig(cluster.Routes, cluster.Build(replicas));
        directory.Changed += Update;
    }

    public IProxyConfig GetConfig() => Volatile.Read(ref _config);

    public void Dispose() => _directory.Changed -= Update;

    private void Update(object? sender, EventArgs e)
    {
        ExpiringProxyConfig replaced;
        lock (_gate)
        {
            var replicas = _directory.Replicas;
            var routed = Routed(replicas);
            if (routed.SetEquals(_routed))
            {
                return;
            }

            _routed = routed;
            replaced = _config;
            Volatile.Write(ref _config, new ExpiringProxyConfig(_cluster.Routes, _cluster.Build(replicas)));
        }

        replaced.Expire();
    }

    private static HashSet<RoutedReplica> Routed(IEnumerable<ReplicaRecord> replicas) =>
        [.. replicas.Where(r => r.State == ReplicaState.Ready).Select(r => new RoutedReplica(r.Id, r.Address, r.Weight, r.Backup, r.MaxFails, r.FailTimeout, r.Relay))];

    private readonly record struct RoutedReplica(string Id, Uri Address, int Weight, bool Backup, int? MaxFails, TimeSpan? FailTimeout, int Relay);
}

/// <summary>One state of what a provider gives YARP; <see cref="Expire"/> makes YARP ask for the next.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "YARP may register on the token after it fired; without a timer the source holds nothing but memory.")]
internal sealed class ExpiringProxyConfig : IProxyConfig
{
    private readonly CancellationTokenSource _expired = new();

    public ExpiringProxyConfig(IReadOnlyList<RouteConfig> routes, params IReadOnlyList<ClusterConfig> clusters)
    {
        Routes = routes;
        Clusters = clusters;
        ChangeToken = new CancellationChangeToken(_expired.Token);
    }

    public IReadOnlyList<RouteConfig> Routes { get; }

    public IReadOnlyList<ClusterConfig> Clusters { get; }

    public IChangeToken ChangeToken { get; }

    public void Expire() => _expired.Cancel();
}
