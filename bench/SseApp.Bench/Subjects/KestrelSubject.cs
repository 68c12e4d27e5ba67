namespace SseApp.Bench.Subjects;

/// <summary>Kestrel alone: what a publish and the opening of a stream cannot do without.</summary>
internal sealed class KestrelSubject(Workspace workspace, string? cores) : Subject(workspace, cores)
{
    public const string Id = "kestrel";

    public const string Project = "bench/subjects/SseApp.Bench.AspNet";

    public override string Name => Id;

    public override string Description => "Kestrel without routing: begins a stream, reads a POST, sends its body to the topic's stream if there is one, answers 201; with the runtime settings of SseApp's services";

    public override bool IsPart => true;

    private string Assembly => Workspace.Assembly(Project);

    public override string? Missing() => File.Exists(Assembly) ? null : $"build it: dotnet build -c {Workspace.Configuration} {Project}";

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var port = Workspace.FreePort();
        await StartAsync(
            Name, ["dotnet", Assembly, "--bare"], Listening(port), cancellationToken,
            ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"), ("Logging__LogLevel__Default", "Warning"),
            ("DOTNET_TC_QuickJit", "0"), ("DOTNET_TC_CallCountingDelayMs", "0"), ("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0"));
        return Target.Other(port);
    }
}
