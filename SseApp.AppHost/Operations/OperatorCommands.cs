using SseApp.AppHost.Supervision;

namespace SseApp.AppHost.Operations;

/// <summary>What the commands of the dashboard and of <c>aspire resource</c> do; each is one request to the operator API.</summary>
internal sealed partial class OperatorCommands(GatewayOperator gateway, ResourceNotificationService notifications)
{
    /// <summary>The argument of the gateway's commands that says which replica is meant.</summary>
    public const string ReplicaArgument = "replica";

    private const int MaxFailures = 60;

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private Task<ExecuteCommandResult>? _reload;

    /// <summary>Takes one replica out or back in.</summary>
    /// <param name="context">Names the instance.</param>
    /// <param name="operation"><c>drain</c> or <c>undrain</c>.</param>
    public Task<ExecuteCommandResult> DrainAsync(ExecuteCommandContext context, string operation) =>
        notifications.TryGetCurrentState(context.ResourceName, out var current) && ReplicaName.Of(current.Snapshot) is { } id
            ? DrainAsync(id, operation, context.CancellationToken)
            : Task.FromResult(CommandResults.Failure("This instance has not reported its replica id yet; wait until it is running."));

    /// <summary>The same for the replica that the command's argument names: as the list of resources does, or by its own id.</summary>
    public Task<ExecuteCommandResult> DrainNamedAsync(ExecuteCommandContext context, string operation)
    {
        var name = context.Arguments.GetString(ReplicaArgument) ?? "";
        return DrainAsync(
            notifications.TryGetCurrentState(name, out var current) && ReplicaName.Of(current.Snapshot) is { } id ? id : name, operation, context.CancellationToken);
    }

    private Task<ExecuteCommandResult> DrainAsync(string id, string operation, CancellationToken cancellationToken) => GuardedAsync(async () =>
        await gateway.SendAsync($"/admin/replicas/{Uri.EscapeDataString(id)}/{operation}", cancellationToken) is { } problem
            ? CommandResults.Failure(problem)
            : CommandResults.Success($"Replica {id}: {operation} done."));

    /// <summary>Reloads all replicas, and returns when that is over. The command runs on each instance; one does it for all.</summary>
    public async Task<ExecuteCommandResult> ReloadAsync(ExecuteCommandContext context)
    {
        Task<ExecuteCommandResult> reload;
        lock (_gate)
        {
            reload = _reload is { IsCompleted: false } running ? running : _reload = GuardedAsync(() => RunReloadAsync(context));
        }

        return await reload.WaitAsync(context.CancellationToken);
    }

    private async Task<ExecuteCommandResult> RunReloadAsync(ExecuteCommandContext context)
    {
        if (await gateway.SendAsync("/admin/reload", context.CancellationToken) is { } problem)
        {
            return CommandResults.Failure(problem);
        }

        var reported = 0;
        for (var failures = 0; ; await Task.Delay(s_poll, TimeProvider.System, context.CancellationToken))
        {
            ReloadInfo? status;
            try
            {
                status = await gateway.ReloadAsync(context.CancellationToken);
                failures = 0;
            }
            catch (HttpRequestException) when (++failures < MaxFailures)
            {
                // The reload goes on, and Redis, where its state is, may be unavailable for a moment.
                continue;
            }

            foreach (var step in status?.Steps.Skip(reported).TakeWhile(step => step.Seconds is not null) ?? [])
            {
                LogStep(context.Logger, ++reported, status!.Steps.Length, step.Replica, step.Streams, step.Seconds!.Value);
            }

            if (status is { State: not "running" })
            {
                return status.State == "succeeded"
                    ? CommandResults.Success(status.Detail)
                    : CommandResults.Failure(string.Create(CultureInfo.InvariantCulture, $"{reported} of {status.Steps.Length} replicas were reloaded. {status.Detail}"));
            }
        }
    }

    private static async Task<ExecuteCommandResult> GuardedAsync(Func<Task<ExecuteCommandResult>> execute)
    {
        try
        {
            return await execute();
        }
        catch (HttpRequestException exception)
        {
            return CommandResults.Failure($"The gateway, which carries this out, does not answer: {exception.Message}");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Reloaded {Index} of {Count}: replica {Replica} with {Streams} streams in {Seconds} s.")]
    private static partial void LogStep(ILogger logger, int index, int count, string replica, int streams, double seconds);
}
