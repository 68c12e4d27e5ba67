namespace SseApp.Bench.Subjects;

/// <summary>What ASP.NET Core offers out of the box; one process, no Redis, no history.</summary>
internal sealed class AspNetSubject(Workspace workspace, string? cores) : Subject(workspace, cores)
{
    private const string Project = "bench/subjects/SseApp.Bench.AspNet";

    public override string Name => "aspnet";

    public override string Description => "ASP.NET Core TypedResults.ServerSentEvents, a channel a connection, in memory";

    public override bool CanSpeakTls => true;

    // It is one process without a supervisor.
    public override bool CanLoseWorker => false;

    private string Assembly => Workspace.Assembly(Project);

    public override string? Missing() => File.Exists(Assembly) ? null : $"build it: dotnet build -c {Workspace.Configuration} {Project}";

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var addresses = Workspace.Kestrel(Workspace.FreePort(), out var clients);
        await StartAsync(Name, ["dotnet", Assembly], Listening(clients), cancellationToken, [.. addresses, ("Logging__LogLevel__Default", "Warning")]);
        return Target.Other(clients, transport: Workspace.Transport);
    }
}
