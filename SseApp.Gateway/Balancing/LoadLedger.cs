using SseApp.Gateway.Routing;
using SseApp.ServiceDefaults.Replicas;
using Yarp.ReverseProxy.Model;

namespace SseApp.Gateway.Balancing;

/// <summary>
/// How many streams and other requests each destination holds. This gateway's own are counted exactly; those that
/// come through other gateways are what the registry reports beyond them. A report is up to one heartbeat old, so
/// adding this gateway's picks to it would count some twice and lose others, and a burst of connects would tilt.
/// </summary>
internal sealed class LoadLedger : IDisposable
{
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
        string.Equals(clusterId, EventsCluster.Id, StringComparison.Ordinal) ? destinationId : $"{clusterId}/{destinationId}";

    public void Begin(string key, bool stream) => Add(key, stream, 1);

    public void End(string key, bool stream) => Add(key, stream, -1);

    /// <summary>
    /// The destination with the least load of this kind relative to its weight; of several equal ones the first from
    /// <paramref name="start"/> on.
    /// </summary>
    public DestinationState Least(string clusterId, IReadOnlyList<DestinationState> candidates, bool stream, uint start)
    {
        lock (_gate)
        {
            DestinationState? least = null;
            var leastLoad = double.MaxValue;
            for (var i = 0; i < candidates.Count; i++)
            {
                var candidate = candidates[(int)((start + (uint)i) % (uint)candidates.Count)];
                var entry = _entries.GetValueOrDefault(Key(clusterId, candidate.DestinationId));

                // The load after this request: of two idle replicas the heavier one comes first.
                var load = (1 + (stream ? entry?.Streams + entry?.Elsewhere : entry?.Requests) ?? 1) / (double)DestinationWeight.Of(candidate);
                if (load < leastLoad)
                {
                    (least, leastLoad) = (candidate, load);
                }
            }

            return least!;
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

    private void Add(string key, bool stream, int by)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var entry))
            {
                _entries[key] = entry = new Entry();
            }

            if (stream)
            {
                entry.Streams += by;
            }
            else
            {
                entry.Requests += by;
            }
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

                if (!ReferenceEquals(entry.Report, replica))
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
