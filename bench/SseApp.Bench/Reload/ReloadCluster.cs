using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Bench.Reload;

/// <summary>Redis, replicas and a gateway as processes, with a supervisor that starts again what asks for it.</summary>
internal sealed class ReloadCluster(Workspace workspace, TimeSpan window) : Subject(workspace, cores: null)
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _supervised = [];
    private int _redis;

    public override string Name => "reload";

    public override string Description => "SseApp.Events behind SseApp.Gateway";

    public override string? Missing() => RedisMissing;

    public Uri Gateway { get; private set; } = null!;

    /// <summary>The gateway's listener for operators, and the key for it.</summary>
    public (Uri Address, string Key) Operators { get; private set; }

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        _redis = await StartRedisAsync(cancellationToken);
        for (var index = 1; index <= workers; index++)
        {
            var name = $"replica-{index}";
            var process = await StartReplicaAsync(name, cancellationToken);
            _supervised.Add(SuperviseAsync(name, process));
        }

        var port = Workspace.FreePort();
        Gateway = Target.Local(port);
        var key = AdminKeyFile.ReadOrCreate(Path.Combine(Workspace.FreshDirectory("reload.gateway"), "admin.key"));
        Operators = (Target.Local(Workspace.FreePort()), key.Text);
        await StartServiceAsync(
            "gateway",
            "SseApp.Gateway",
            port,
            cancellationToken,
            [.. Environment(port), ("Admin__Urls", Operators.Address.AbsoluteUri), ("Admin__KeyFile", key.File)]);
        return Target.Ours(Gateway);
    }

    public async Task EndAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_supervised);
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task SuperviseAsync(string name, ServerProcess process)
    {
        try
        {
            while (await process.WaitForExitAsync(_stopping.Token) == ExitCodes.Restart)
            {
                Running.Remove(process);
                process = await StartReplicaAsync(name, _stopping.Token);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The run is over.
        }
    }

    private Task<ServerProcess> StartReplicaAsync(string name, CancellationToken cancellationToken)
    {
        var port = Workspace.FreePort();
        return StartServiceAsync(name, "SseApp.Events", port, cancellationToken, [.. Environment(port), ("OTEL_RESOURCE_ATTRIBUTES", $"service.instance.id={name}")]);
    }

    private (string Name, string Value)[] Environment(int port) =>
        [.. OursSubject.Environment(port, _redis), ("Drain__Window", window.ToString("c")), ("Logging__LogLevel__SseApp", "Information")];
}
