namespace SseApp.Bench.Subjects;

/// <summary>What ASP.NET Core offers out of the box; one process, no Redis, no history.</summary>
internal sealed class AspNetSubject(Workspace workspace, string? cores) : Subject(workspace, cores)
{
    private const string Project = "bench/subjects/SseApp.Bench.AspNet";

    public override string Name => "aspnet";

    public override string Description => "ASP.NET Core TypedResults.ServerSentEvents, a channel a connection, in memory";

    // It is one process without a supervisor.
    public override bool CanLoseWorker => false;

    private string Assembly => Workspace.Assembly(Project);

    public override string? Missing() => File.Exists(Assembly) ? null : $"build it: dotnet build -c {Workspace.Configuration} {Project}";

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var port = Workspace.FreePort();
        await StartAsync(
            Name, ["dotnet", Assembly], Listening(port), cancellationToken,
            ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"), ("Logging__LogLevel__Default", "Warning"));
        return Target.Other(port);
    }
}
