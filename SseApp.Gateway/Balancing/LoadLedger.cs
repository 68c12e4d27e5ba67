using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Gateway.Balancing;

/// <summary>A feature of a request: the policy has counted it for this destination already.</summary>
/// <param name="Key">The destination in the <see cref="LoadLedger"/>.</param>
/// <param name="IsStream">Whether it was counted as a stream.</param>
internal sealed record CountedPick(string Key, bool IsStream);

/// <summary>
/// How many streams and other requests each destination holds. This gateway's own are counted exactly; those that
/// come through other gateways are what the registry reports beyond them. A report is up to one heartbeat old, so
/// adding this gateway's picks to it would count some twice and lose others, and a burst of connects would tilt.
/// </summary>
internal sealed class LoadLedger : IDisposable
{
    private const int MaxNodesOnStack = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly ReplicaDirectory _directory;

    public LoadLedger(ReplicaDirectory directory)
    {
        _directory = directory;
        directory.Changed += OnChanged;
        Reconcile();
    }

    public void Dispose() => _directory.Changed -= OnChanged;

    /// <summary>Replica ids for the Events cluster; other clusters' destinations carry their cluster's name.</summary>
    public static string Key(string clusterId, string destinationId) =>
        string.Equals(clusterId, ReplicaDirectory.ClusterId, StringComparison.Ordinal) ? destinationId : $"{clusterId}/{destinationId}";

    public void Begin(CountedPick pick)
    {
        lock (_gate)
        {
            Add(pick, 1);
        }
    }

    public void End(CountedPick pick)
    {
        lock (_gate)
        {
            Add(pick, -1);
        }
    }

    /// <summary>
    /// Picks and counts the destination with the least load of this kind relative to its weight; of several equal ones
    /// the first from <paramref name="start"/> on. Picking and counting are one step, or requests that come at the same
    /// moment would all see the same least.
    /// </summary>
    public DestinationState PickLeast(HttpContext context, string clusterId, IReadOnlyList<DestinationState> candidates, uint start)
    {
        var stream = ClientRequest.Of(context).CountsAsStream;
        lock (_gate)
        {
            DestinationState? least = null;
            var leastLoad = double.MaxValue;
            for (var i = 0; i < candidates.Count; i++)
            {
                var candidate = candidates[(int)((start + (uint)i) % (uint)candidates.Count)];

                // The load after this request: of two idle replicas the heavier one comes first.
                var load = (1 + Load(clusterId, candidate, stream)) / (double)DestinationTraits.Of(candidate).Weight;
                if (load < leastLoad)
                {
                    (least, leastLoad) = (candidate, load);
                }
            }

            return Count(context, clusterId, least!, stream);
        }
    }

    /// <summary>Picks and counts the destination that comes first for <paramref name="key"/> and is not full.</summary>
    /// <param name="context">The request.</param>
    /// <param name="clusterId">Its cluster.</param>
    /// <param name="candidates">Not empty.</param>
    /// <param name="key">Hash of the client.</param>
    /// <param name="loadFactor">See <see cref="BalancingOptions.LoadFactor"/>; infinite for no bound.</param>
    public DestinationState PickByHash(
        HttpContext context, string clusterId, IReadOnlyList<DestinationState> candidates, ulong key, double loadFactor)
    {
        var stream = ClientRequest.Of(context).CountsAsStream;
        Span<BalanceNode> nodes = candidates.Count <= MaxNodesOnStack ? stackalloc BalanceNode[candidates.Count] : new BalanceNode[candidates.Count];
        lock (_gate)
        {
            for (var i = 0; i < nodes.Length; i++)
            {
                var traits = DestinationTraits.Of(candidates[i]);
                nodes[i] = new BalanceNode(traits.Hash, traits.Weight, Load(clusterId, candidates[i], stream));
            }

            return Count(context, clusterId, candidates[BoundedRendezvous.Pick(key, nodes, loadFactor)], stream);
        }
    }

    /// <summary>Streams that this gateway forwards now, by destination.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> Streams()
    {
        lock (_gate)
        {
            return [.. _entries.Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Streams))];
        }
    }

    /// <summary>All of them.</summary>
    public int TotalStreams => Streams().Sum(static streams => streams.Value);

    /// <summary>
    /// Streams of a replica: this gateway's own as they are now, and those that the replica reported beyond them, which came by
    /// other gateways.
    /// </summary>
    public (int Own, int Elsewhere) StreamsOf(string replicaId)
    {
        lock (_gate)
        {
            return _entries.TryGetValue(replicaId, out var entry) ? (entry.Streams, entry.Elsewhere) : default;
        }
    }

    private int Load(string clusterId, DestinationState destination, bool stream) =>
        !_entries.TryGetValue(Key(clusterId, destination.DestinationId), out var entry) ? 0
            : stream ? entry.Streams + entry.Elsewhere
            : entry.Requests;

    private DestinationState Count(HttpContext context, string clusterId, DestinationState destination, bool stream)
    {
        var pick = new CountedPick(Key(clusterId, destination.DestinationId), stream);
        Add(pick, 1);
        context.Features.Set(pick);
        return destination;
    }

    private void Add(CountedPick pick, int by)
    {
        if (!_entries.TryGetValue(pick.Key, out var entry))
        {
            _entries[pick.Key] = entry = new Entry();
        }

        if (pick.IsStream)
        {
            entry.Streams += by;
        }
        else
        {
            entry.Requests += by;
        }
    }

    private void OnChanged(object? sender, EventArgs e) => Reconcile();

    private void Reconcile()
    {
        lock (_gate)
        {
            var replicas = _directory.Replicas;
            foreach (var key in _entries.Where(entry => entry.Value is { Streams: 0, Requests: 0 }).Select(entry => entry.Key).ToArray())
            {
                if (!replicas.Any(replica => string.Equals(replica.Id, key, StringComparison.Ordinal)))
                {
                    _entries.Remove(key);
                }
            }

            foreach (var replica in replicas)
            {
                if (!_entries.TryGetValue(replica.Id, out var entry))
                {
                    _entries[replica.Id] = entry = new Entry();
                }

                // By value: each read of the registry makes new records of the same heartbeat, and taking that twice
                // would subtract the picks since it from what other gateways hold.
                if (entry.Report != replica)
                {
                    entry.Take(replica);
                }
            }
        }
    }

    private sealed class Entry
    {
        private int _streamsAtLastReport;

        public int Streams { get; set; }

        public int Requests { get; set; }

        public int Elsewhere { get; private set; }

        public ReplicaRecord? Report { get; private set; }

        public void Take(ReplicaRecord report)
        {
            // The report was written some time since the last one; streams that ended meanwhile are still in it.
            Elsewhere = Math.Max(0, report.Connections - Math.Max(Streams, _streamsAtLastReport));
            _streamsAtLastReport = Streams;
            Report = report;
        }
    }
}
