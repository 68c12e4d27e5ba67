using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Events.Replicas;

/// <summary>
/// Ends a few streams at a time while this replica holds clearly more than its share, so that their clients reconnect to
/// others. Each replica goes down to its own fair share and no further, which needs no agreement and cannot over-correct.
/// </summary>
internal sealed partial class Rebalancer(
    IReplicaRegistry registry,
    ReplicaIdentity identity,
    ShardSet shards,
    EventsMetrics metrics,
    IOptions<ReplicaRegistryOptions> registryOptions,
    IOptions<StreamingOptions> streaming,
    TimeProvider time,
    ILogger<Rebalancer> logger) : BackgroundService
{
    // Chance and clients that come and go move the counts by a few percent all the time. Beginning late and ending
    // early keeps both from ending streams for nothing, and the end well below 1.25 times the mean.
    private const double BeginsAbove = 1.15;
    private const double EndsBelow = 1.05;

    private double _loadFactor;
    private bool _shedding;

    /// <summary>Notes how a stream was placed.</summary>
    /// <returns>Its <see cref="StreamConnection.PlacementKey"/>.</returns>
    public ulong Placed(string? header)
    {
        var placement = StreamPlacement.Parse(header);
        if (placement is { } placed)
        {
            Volatile.Write(ref _loadFactor, placed.LoadFactor);
        }

        return SheddingPlan.KeyOf(placement);
    }

    /// <summary>How many streams to end now.</summary>
    /// <param name="own">Streams that this replica holds.</param>
    /// <param name="fair">Its fair share of all.</param>
    /// <param name="shedding">Whether it was ending streams already.</param>
    /// <param name="rate">Share of its streams that it may end.</param>
    public static int Count(long own, double fair, bool shedding, double rate) =>
        // The last stream over the share would only change places.
        own > fair * (shedding ? EndsBelow : BeginsAbove) && own - 1 >= fair
            ? (int)Math.Min(Math.Ceiling(own * rate), Math.Floor(own - fair))
            : 0;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(registryOptions.Value.HeartbeatInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                // No gateway has asked for it yet.
                if (Volatile.Read(ref _loadFactor) >= 1)
                {
                    await RebalanceAsync(stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task RebalanceAsync(CancellationToken stoppingToken)
    {
        IReadOnlyList<ReplicaRecord> records;
        try
        {
            records = await registry.ReadAsync(stoppingToken);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || exception is JsonException)
        {
            LogReadFailed(exception);
            return;
        }

        if (Plan(records) is { } plan)
        {
            Array.ForEach(shards.All, shard => shard.Shed(plan));
        }
    }

    private SheddingPlan? Plan(IReadOnlyList<ReplicaRecord> records)
    {
        var own = metrics.ActiveConnections;
        if (records.Any(record => record.State == ReplicaState.Draining && record.Connections > 0)
            || records.FirstOrDefault(record => record.Id == identity.Id) is not { State: ReplicaState.Ready })
        {
            // Streams of a draining replica are about to come to the others, and would have to be moved twice.
            _shedding = false;
            return null;
        }

        var ready = records.Where(record => record.State == ReplicaState.Ready).ToArray();
        var serving = ready.Any(record => !record.Backup) ? Array.FindAll(ready, record => !record.Backup) : ready;
        var self = Array.FindIndex(serving, record => record.Id == identity.Id);
        var nodes = serving.Select((record, i) => new BalanceNode(
            BoundedRendezvous.Hash(record.Id), record.Weight, i == self ? (int)own : record.Connections)).ToArray();

        // A backup that is no longer needed has no share at all.
        var fair = self < 0 ? 0 : (double)nodes.Sum(node => node.Load) * nodes[self].Weight / nodes.Sum(node => node.Weight);
        var count = Count(own, fair, _shedding, streaming.Value.RebalanceRate * registryOptions.Value.HeartbeatInterval.TotalSeconds);
        if (count > 0 && !_shedding)
        {
            LogBegin(own, fair);
        }

        _shedding = count > 0;
        return _shedding ? new SheddingPlan(count, nodes, self, Volatile.Read(ref _loadFactor)) : null;
    }

    [LoggerMessage(LogLevel.Information, "This replica holds {Own} streams and its share is {Fair:0}; it ends a few at a time so that they find another place.")]
    private partial void LogBegin(long own, double fair);

    [LoggerMessage(LogLevel.Debug, "The replica registry did not answer; rebalancing waits.")]
    private partial void LogReadFailed(Exception exception);
}
