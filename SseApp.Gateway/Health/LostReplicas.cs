using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Health;

/// <summary>
/// Finds replicas that went without a sign: frozen, or on a machine that lost its network. Their connections stay
/// open and silent, and streams would hang on them until the activity timeout, missing every event. A replica counts
/// as lost when its heartbeat is missing and it does not answer a health check with any status at all; while Redis is unavailable,
/// and no heartbeat can be known, when several checks in a row get no answer. Either sign alone is not enough: a
/// replica that lost only Redis still serves its streams, and a slow one still beats.
/// </summary>
internal sealed partial class LostReplicas(
    ReplicaDirectory directory,
    IOptions<ReplicaHealthOptions> health,
    IOptions<ReplicaRegistryOptions> registry,
    TimeProvider time,
    ILogger<LostReplicas> logger) : BackgroundService
{
    // Long enough for whatever restarts it; a new pod has another id, under which it never returns.
    private static readonly TimeSpan s_frozenKept = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (ReplicaRecord Record, long At)> _frozen = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ReplicaInFlight> _watches = new(StringComparer.Ordinal);

    /// <summary>Replicas that were lost within the last minutes and have not returned, as they were before.</summary>
    public IReadOnlyList<ReplicaRecord> Frozen
    {
        get
        {
            lock (_gate)
            {
                return [.. _frozen.Values.Select(frozen => frozen.Record)];
            }
        }
    }

    /// <summary>Counts a request in; <see cref="Leave"/> counts it out.</summary>
    public ReplicaInFlight Enter(string id, string address)
    {
        lock (_gate)
        {
            if (!_watches.TryGetValue(id, out var watch))
            {
                _watches[id] = watch = new ReplicaInFlight(id, new Uri(new Uri(address), health.Value.Path));
            }

            watch.Requests++;
            return watch;
        }
    }

    public void Leave(ReplicaInFlight watch)
    {
        lock (_gate)
        {
            watch.Requests--;
        }
    }

    public override void Dispose()
    {
        foreach (var watch in _watches.Values)
        {
            watch.Dispose();
        }

        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var client = new HttpClient(CutConnectionHandler.Direct()) { Timeout = health.Value.Timeout };
        using var timer = new PeriodicTimer(registry.Value.HeartbeatInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await Task.WhenAll(Suspects().Select(watch => CheckAsync(client, watch, stoppingToken)));
        }
    }

    private List<ReplicaInFlight> Suspects()
    {
        var unavailable = directory.IsRegistryUnavailable;
        var left = directory.Left();
        var beating = unavailable ? [] : directory.Replicas.ToDictionary(replica => replica.Id, StringComparer.Ordinal);
        lock (_gate)
        {
            foreach (var id in _frozen.Where(frozen => beating.ContainsKey(frozen.Key) || time.GetElapsedTime(frozen.Value.At) > s_frozenKept).Select(frozen => frozen.Key).ToArray())
            {
                _frozen.Remove(id);
            }

            var suspects = new List<ReplicaInFlight>();
            foreach (var watch in _watches.Values.ToArray())
            {
                if (beating.TryGetValue(watch.Id, out var record))
                {
                    watch.Record = record;
                    watch.Failures = 0;
                }
                // One without requests, such as one that has drained, is lost as well if nobody has heard that it ended.
                else if (watch.Requests > 0 || (!unavailable && watch.Record is not null && !left.Contains(watch.Id)))
                {
                    suspects.Add(watch);
                }
                else if (!unavailable)
                {
                    _watches.Remove(watch.Id);
                    watch.Dispose();
                }
            }

            return suspects;
        }
    }

    private async Task CheckAsync(HttpClient client, ReplicaInFlight watch, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(watch.Probe, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            watch.Failures = 0;
        }
        catch (Exception exception) when (exception is HttpRequestException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Without its heartbeat one more sign is enough.
            if (exception is HttpRequestException && Forget(watch))
            {
                return;
            }

            if (++watch.Failures >= (directory.IsRegistryUnavailable ? health.Value.Threshold : 1))
            {
                Lose(watch);
            }
        }
    }

    /// <summary>A process that has ended refuses connections, and one that is frozen takes them; of the first nobody has to hear who has nothing there.</summary>
    private bool Forget(ReplicaInFlight watch)
    {
        lock (_gate)
        {
            if (watch.Requests > 0 || directory.IsRegistryUnavailable)
            {
                return false;
            }

            _watches.Remove(watch.Id);
        }

        watch.Dispose();
        return true;
    }

    private void Lose(ReplicaInFlight watch)
    {
        int requests;
        lock (_gate)
        {
            // A request that comes after this begins a new watch.
            _watches.Remove(watch.Id);
            requests = watch.Requests;
            _frozen[watch.Id] = (
                watch.Record ?? new ReplicaRecord { Id = watch.Id, Address = new Uri(watch.Probe, "/"), State = ReplicaState.Ready }, time.GetTimestamp());
        }

        LogLost(watch.Id, requests);
        watch.Lose();
    }

    [LoggerMessage(LogLevel.Warning, "Replica {Id} neither sends heartbeats nor answers; its {Requests} requests are ended, and the clients of its streams reconnect to other replicas.")]
    private partial void LogLost(string id, int requests);
}
