using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Operators;

/// <summary>Takes a replica out of service and back, and answers when the replica has said so in the registry.</summary>
internal sealed partial class DrainCommand(
    ReplicaDirectory directory, ReplicaDashboard dashboard, RedisReplicaCommands commands, TimeProvider time, ILogger<DrainCommand> logger)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

    public async Task<Results<Ok<ReplicaView>, ProblemHttpResult>> DrainAsync(HttpContext context, string id, bool force)
    {
        var readyOthers = directory.Replicas.Count(replica =>
            replica.State == ReplicaState.Ready && !string.Equals(replica.Id, id, StringComparison.Ordinal));
        return Find(id) is { State: ReplicaState.Ready } && readyOthers == 0 && !force
            ? Problems.Result(
                context,
                StatusCodes.Status409Conflict,
                $"'{id}' is the only replica that is ready; without it nobody can be served. Add ?force=true to drain it all the same.",
                "last-replica")
            : await SendAsync(context, id, ReplicaCommandKind.Drain, ReplicaState.Draining);
    }

    public Task<Results<Ok<ReplicaView>, ProblemHttpResult>> UndrainAsync(HttpContext context, string id) =>
        SendAsync(context, id, ReplicaCommandKind.Undrain, ReplicaState.Ready);

    private async Task<Results<Ok<ReplicaView>, ProblemHttpResult>> SendAsync(HttpContext context, string id, ReplicaCommandKind kind, ReplicaState wanted)
    {
        if (Find(id) is not { } replica)
        {
            return Problems.Result(
                context, StatusCodes.Status404NotFound, $"No replica '{id}' is registered; GET /admin/replicas lists those that are.");
        }

        if (replica.State != wanted)
        {
            await commands.SendAsync(ReplicaCommand.To(replica, kind), context.RequestAborted);
            LogSent(kind, id);
        }

        return await ReachedAsync(replica, wanted, context.RequestAborted) && dashboard.Find(id) is { } view
            ? TypedResults.Ok(view)
            : Problems.Result(
                context,
                StatusCodes.Status504GatewayTimeout,
                $"Replica '{id}' did not become {wanted.ToString().ToLowerInvariant()} within {s_limit.TotalSeconds:0} s. It may be stopping, or cut off from Redis; its log says more.",
                "replica-timeout");
    }

    private async Task<bool> ReachedAsync(ReplicaRecord replica, ReplicaState wanted, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < s_limit)
        {
            if (Find(replica.Id) is { } now && now.StartedAt == replica.StartedAt && now.State == wanted)
            {
                return true;
            }

            await Task.Delay(s_poll, time, cancellationToken);
        }

        return false;
    }

    private ReplicaRecord? Find(string id) =>
        directory.Replicas.FirstOrDefault(replica => string.Equals(replica.Id, id, StringComparison.Ordinal));

    [LoggerMessage(LogLevel.Information, "An operator asked for {Kind} of replica {Id}.")]
    private partial void LogSent(ReplicaCommandKind kind, string id);
}
