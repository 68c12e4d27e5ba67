namespace SseApp.Gateway.Replicas;

/// <summary>
/// What this gateway knows of the replicas: the last read of the registry, corrected by announcements. When Redis is
/// unavailable the last known set stays, and the active health checks decide who gets requests.
/// </summary>
internal sealed class ReplicaDirectory(IOptions<ReplicaRegistryOptions> options, TimeProvider time)
{
    /// <summary>Id of the YARP cluster whose destinations are the replicas, and what its routes' ids begin with; reserved in section <c>ReverseProxy</c>.</summary>
    public const string ClusterId = "events";

    // Long enough that nobody who looks now and then misses one.
    private static readonly TimeSpan s_leftKept = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _left = new(StringComparer.Ordinal);
    private readonly Dictionary<Uri, long> _shared = [];
    private IReadOnlyList<ReplicaRecord> _replicas = [];
    private long _announcements;
    private bool _interrupted;
    private long? _heldSince;
    private long? _backAt;

    /// <summary>Known replicas in any state, ordered by id.</summary>
    public IReadOnlyList<ReplicaRecord> Replicas => Volatile.Read(ref _replicas);

    /// <summary>True from a failed read of the registry to the next one that succeeds: nobody's heartbeat is known.</summary>
    public bool IsRegistryUnavailable
    {
        get
        {
            lock (_gate)
            {
                return _interrupted;
            }
        }
    }

    /// <summary>
    /// True while <see cref="IsRegistryUnavailable"/> and for a while after: then each replica needs its time to connect, to
    /// write itself again and to pass its checks.
    /// </summary>
    public bool IsRegistryUnsettled
    {
        get
        {
            lock (_gate)
            {
                return _interrupted || (_backAt is { } back && time.GetElapsedTime(back) < options.Value.Expiry * 2);
            }
        }
    }

    /// <summary>Number of announcements taken in; see <see cref="TryReplace"/>.</summary>
    public long Announcements => Interlocked.Read(ref _announcements);

    /// <summary>Replicas that took themselves out within the last minutes: those that are gone otherwise were lost.</summary>
    public IReadOnlySet<string> Left()
    {
        lock (_gate)
        {
            return _left.Keys.ToHashSet(StringComparer.Ordinal);
        }
    }

    /// <summary>
    /// Addresses that several ready replicas announce, and have for longer than one that ended is remembered: requests for all but one of them cannot arrive.
    /// </summary>
    public IReadOnlyList<SharedAddress> Shared()
    {
        lock (_gate)
        {
            return
            [
                .. _shared.Where(shared => time.GetElapsedTime(shared.Value) > options.Value.Expiry * 2)
                    .Select(shared => new SharedAddress(shared.Key, [.. Ready(_replicas).Where(replica => replica.Address == shared.Key).Select(replica => replica.Id)]))
                    .Where(shared => shared.Replicas.Count > 1),
            ];
        }
    }

    /// <summary>Raised after every change, on the thread that brought it.</summary>
    public event EventHandler? Changed;

    /// <summary>Takes in a whole read of the registry.</summary>
    /// <param name="live">What was read.</param>
    /// <param name="announcementsBefore"><see cref="Announcements"/> when the read began.</param>
    /// <returns>
    /// False, without effect, when an announcement came in during the read: the read may be older than it and would
    /// bring back a replica that is draining. Read again.
    /// </returns>
    public bool TryReplace(IReadOnlyList<ReplicaRecord> live, long announcementsBefore)
    {
        lock (_gate)
        {
            if (_announcements != announcementsBefore)
            {
                return false;
            }

            // A Redis that returns empty knows nothing of replicas that are healthy and will write themselves again
            // with their next heartbeat. Until each had the time to do so, the known ones stay.
            _backAt = _interrupted ? time.GetTimestamp() : _backAt;
            if (_interrupted || (live.Count == 0 && _replicas.Count > 0))
            {
                _heldSince ??= time.GetTimestamp();
                _interrupted = false;
            }

            if (_heldSince is { } since && time.GetElapsedTime(since) < options.Value.Expiry)
            {
                live = [.. live.UnionBy(_replicas, replica => replica.Id, StringComparer.Ordinal).OrderBy(replica => replica.Id, StringComparer.Ordinal)];
            }
            else if (live.Count > 0)
            {
                _heldSince = null;
            }

            NoteShared(live);
            Volatile.Write(ref _replicas, live);
        }

        Changed?.Invoke(this, EventArgs.Empty);
        return true;
    }

    /// <summary>Takes in an announcement.</summary>
    public void Apply(ReplicaChange change)
    {
        lock (_gate)
        {
            _announcements++;
            NoteLeaving(change);
            var others = _replicas.Where(replica => !string.Equals(replica.Id, change.ReplicaId, StringComparison.Ordinal));
            var all = change.Record is { } record ? others.Append(record) : others;
            Volatile.Write(ref _replicas, [.. all.OrderBy(replica => replica.Id, StringComparer.Ordinal)]);
        }

        Changed?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>Notes that the registry did not answer.</summary>
    public void ReadFailed()
    {
        lock (_gate)
        {
            _interrupted = true;
            _heldSince = null;
        }
    }

    private void NoteShared(IReadOnlyList<ReplicaRecord> live)
    {
        var shared = Ready(live).CountBy(replica => replica.Address).Where(address => address.Value > 1).Select(address => address.Key).ToHashSet();
        foreach (var address in _shared.Keys.Except(shared).ToArray())
        {
            _shared.Remove(address);
        }

        foreach (var address in shared)
        {
            _shared.TryAdd(address, time.GetTimestamp());
        }
    }

    private static IEnumerable<ReplicaRecord> Ready(IEnumerable<ReplicaRecord> replicas) => replicas.Where(replica => replica.State == ReplicaState.Ready);

    private void NoteLeaving(ReplicaChange change)
    {
        if (change.Record is not null)
        {
            _left.Remove(change.ReplicaId);
            return;
        }

        foreach (var (id, at) in _left.ToArray())
        {
            if (time.GetElapsedTime(at) > s_leftKept)
            {
                _left.Remove(id);
            }
        }

        _left[change.ReplicaId] = time.GetTimestamp();
    }
}

/// <summary>An address that several replicas announce.</summary>
internal sealed record SharedAddress(Uri Address, IReadOnlyList<string> Replicas)
{
    public override string ToString() => $"The replicas {string.Join(" and ", Replicas)} all announce the address {Address}; each needs one of its own (Replica:AdvertisedAddress).";
}
