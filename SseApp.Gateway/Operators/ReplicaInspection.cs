using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Gateway.Operators;

/// <summary>
/// Everything known of one replica: from the registry, from this gateway, from the restart ledger, and from the replica
/// itself. What cannot be asked is missing, and the answer says so.
/// </summary>
internal sealed class ReplicaInspection(
    ReplicaDashboard dashboard, ReplicaDirectory directory, LostReplicas lost, ReplicaClient client, IRestartLedger ledger, TimeProvider time)
{
    private const int MaxRestarts = 20;

    private static readonly TimeSpan s_ledgerLimit = TimeSpan.FromSeconds(2);

    public async Task<Results<Ok<ReplicaDetails>, ProblemHttpResult>> FindAsync(HttpContext context, string id)
    {
        var record = directory.Replicas.Concat(lost.Frozen).FirstOrDefault(replica => string.Equals(replica.Id, id, StringComparison.Ordinal));
        if (record is null || dashboard.Find(id) is not { } view)
        {
            return Problems.Result(
                context, StatusCodes.Status404NotFound, $"No replica '{id}' is registered; GET /admin/replicas lists those that are.");
        }

        var restarts = RestartsAsync(id, context.RequestAborted);
        var process = await client.AskAsync(record, HttpMethod.Get, "/admin/process", OperatorJsonContext.Default.ProcessDetails, context.RequestAborted);
        return TypedResults.Ok(new ReplicaDetails(view)
        {
            Reachable = process is not null,
            Opened = record.Opened,
            Refused = record.Refused,
            DeliveryP99Ms = record.DeliveryP99Ms,
            MaxFails = record.MaxFails,
            FailTimeout = record.FailTimeout,
            Relay = record.Relay,
            Process = process,
            Restarts = await restarts,
        });
    }

    private async Task<RestartRecord[]?> RestartsAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            var all = await ledger.ReadAsync(cancellationToken).WaitAsync(s_ledgerLimit, time, cancellationToken);
            return [.. all.Where(record => string.Equals(record.Id, id, StringComparison.Ordinal)).Take(MaxRestarts)];
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return null;
        }
    }
}

/// <summary>Answer of <c>GET /admin/replicas/{id}</c>: what the list has of it, and the rest.</summary>
internal sealed record ReplicaDetails : ReplicaView
{
    public ReplicaDetails(ReplicaView view)
        : base(view)
    {
    }

    /// <summary>False when the replica itself did not answer within 3 s; then <see cref="Process"/> is null, and the numbers are of its last heartbeat.</summary>
    public required bool Reachable { get; init; }

    /// <summary>Streams opened since its process started.</summary>
    public long Opened { get; init; }

    /// <summary>Streams refused since its process started.</summary>
    public long Refused { get; init; }

    /// <summary>99th percentile, in milliseconds, from publish to written bytes, at its last heartbeat; null when nothing was delivered.</summary>
    public double? DeliveryP99Ms { get; init; }

    /// <summary>Its own; null: as this gateway is configured.</summary>
    public int? MaxFails { get; init; }

    /// <summary>Its own; null: as this gateway is configured.</summary>
    public TimeSpan? FailTimeout { get; init; }

    /// <summary>Version of the relay protocol that it offers; 0 for none.</summary>
    public int Relay { get; init; }

    /// <summary>What its process says of itself.</summary>
    public ProcessDetails? Process { get; init; }

    /// <summary>Its last restarts within a day, newest first; null when Redis, which has them, does not answer.</summary>
    public RestartRecord[]? Restarts { get; init; }
}
