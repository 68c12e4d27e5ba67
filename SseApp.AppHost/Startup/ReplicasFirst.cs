namespace SseApp.AppHost.Startup;

/// <summary>
/// Stops the replicas before the orchestrator stops everything at once: what they archive when they stop needs Redis and the database.
/// The supervisors have ended by then, and start nothing again.
/// </summary>
/// <param name="replicas">What has an archive behind it.</param>
/// <param name="commands">Stop them.</param>
/// <param name="logger">Says when they did not.</param>
internal sealed partial class ReplicasFirst(ProjectResource replicas, ResourceCommandService commands, ILogger<ReplicasFirst> logger) : IHostedLifecycleService
{
    // The window in which a replica drains, and what it takes to end.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private bool _isStopping;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A host may be stopped once more after it has ended.
        if (Interlocked.Exchange(ref _isStopping, true))
        {
            return;
        }

        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(s_limit);
        try
        {
            var result = await commands.ExecuteCommandAsync(replicas, KnownResourceCommands.StopCommand, limited.Token).WaitAsync(limited.Token);
            if (!result.Success)
            {
                LogNotStopped(result.Message ?? "the orchestrator does not say why");
            }
        }
        catch (OperationCanceledException) when (limited.IsCancellationRequested)
        {
            LogNotStopped(string.Create(CultureInfo.InvariantCulture, $"they were still there after {s_limit.TotalSeconds:0} s"));
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "Not all replicas were stopped before the rest of the cluster ({Reason}): what they had not archived is in Redis alone.")]
    private partial void LogNotStopped(string reason);
}
