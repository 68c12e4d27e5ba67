using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace SseApp.Tests.Hosting;

/// <summary>What an AppHost may expect of whatever runs its resources; members and behaviour are those of real Aspire.</summary>
public sealed class EngineLifecycleTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_cleanupLimit = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_started_executable_shows_its_output_and_its_environment()
    {
        await using var app = Build(builder => builder
            .AddExecutable("worker", "bash", Path.GetTempPath(), "-c", "echo \"greeting $GREETING\"; echo trouble >&2; sleep 600")
            .WithEnvironment("GREETING", "grüß dich"));
        using var limit = new CancellationTokenSource(s_limit);
        await app.StartAsync(limit.Token);

        await app.ResourceNotifications.WaitForResourceAsync("worker", KnownResourceStates.Running, limit.Token);

        await WaitForLineAsync(app, line => line.Content.EndsWith("greeting grüß dich", StringComparison.Ordinal) && !line.IsErrorMessage, "the greeting on standard output");
        await WaitForLineAsync(app, line => line.Content.EndsWith("trouble", StringComparison.Ordinal) && line.IsErrorMessage, "the line on standard error");
    }

    [Fact]
    public async Task A_command_stops_an_executable_and_another_starts_it_again()
    {
        await using var app = Build(builder => builder.AddExecutable("worker", "bash", Path.GetTempPath(), "-c", "echo pid $$; sleep 600"));
        using var limit = new CancellationTokenSource(s_limit);
        await app.StartAsync(limit.Token);
        await app.ResourceNotifications.WaitForResourceAsync("worker", KnownResourceStates.Running, limit.Token);

        await Eventually.Async(async () => (await PidsAsync(app)).Count > 0, s_limit, "the process to print its id");
        var first = (await PidsAsync(app))[0];

        var stopped = await app.ResourceCommands.ExecuteCommandAsync("worker", KnownResourceCommands.StopCommand, limit.Token);
        Assert.True(stopped.Success, stopped.Message);
        await app.ResourceNotifications.WaitForResourceAsync("worker", KnownResourceStates.Finished, limit.Token);

        var started = await app.ResourceCommands.ExecuteCommandAsync("worker", KnownResourceCommands.StartCommand, limit.Token);
        Assert.True(started.Success, started.Message);
        await app.ResourceNotifications.WaitForResourceAsync("worker", KnownResourceStates.Running, limit.Token);
        await Eventually.Async(async () => (await PidsAsync(app)).Any(pid => pid != first), s_limit, "the log to name a second process");
    }

    [Fact]
    public async Task A_crash_is_reported_with_its_exit_code_after_its_last_words_and_can_be_started_again()
    {
        await using var app = Build(builder => builder.AddExecutable("worker", "bash", Path.GetTempPath(), "-c", "sleep 1; echo last words; exit 7"));
        using var limit = new CancellationTokenSource(s_limit);
        await app.StartAsync(limit.Token);

        var crashed = await app.ResourceNotifications.WaitForResourceAsync("worker", change => change.Snapshot.ExitCode is not null, limit.Token);
        Assert.Equal(7, crashed.Snapshot.ExitCode);
        Assert.Equal(KnownResourceStates.Finished, crashed.Snapshot.State?.Text);
        await WaitForLineAsync(app, line => line.Content.EndsWith("last words", StringComparison.Ordinal), "the last line of the crashed process");

        var started = await app.ResourceCommands.ExecuteCommandAsync("worker", KnownResourceCommands.StartCommand, limit.Token);
        Assert.True(started.Success, started.Message);
        await app.ResourceNotifications.WaitForResourceAsync("worker", KnownResourceStates.Running, limit.Token);
    }

    [Fact]
    public async Task A_missing_program_fails_to_start_and_the_log_says_which()
    {
        await using var app = Build(builder => builder.AddExecutable("worker", "/no/such/program", Path.GetTempPath()));
        using var limit = new CancellationTokenSource(s_limit);
        await app.StartAsync(limit.Token);

        await app.ResourceNotifications.WaitForResourceAsync("worker", KnownResourceStates.FailedToStart, limit.Token);

        await WaitForLineAsync(app, line => line.Content.Contains("/no/such/program", StringComparison.Ordinal), "a line that names the program");
    }

    [Fact]
    public async Task An_explicit_start_waits_for_the_command()
    {
        await using var app = Build(builder => builder.AddExecutable("worker", "bash", Path.GetTempPath(), "-c", "sleep 600").WithExplicitStart());
        using var limit = new CancellationTokenSource(s_limit);
        await app.StartAsync(limit.Token);
        await app.ResourceNotifications.WaitForResourceAsync("worker", KnownResourceStates.NotStarted, limit.Token);

        var started = await app.ResourceCommands.ExecuteCommandAsync("worker", KnownResourceCommands.StartCommand, limit.Token);

        Assert.True(started.Success, started.Message);
        await app.ResourceNotifications.WaitForResourceAsync("worker", KnownResourceStates.Running, limit.Token);
    }

    [Fact]
    public async Task Nothing_runs_on_after_the_application_stopped()
    {
        int pid;
        await using (var app = Build(builder => builder.AddExecutable("worker", "bash", Path.GetTempPath(), "-c", "echo pid $$; sleep 600 & wait")))
        {
            using var limit = new CancellationTokenSource(s_limit);
            await app.StartAsync(limit.Token);
            await Eventually.Async(async () => (await PidsAsync(app)).Count > 0, s_limit, "the process to print its id");
            pid = (await PidsAsync(app))[0];
            Assert.True(IsRunning(pid));
            await app.StopAsync(limit.Token);
        }

        await Eventually.Async(() => !IsRunning(pid), s_cleanupLimit, $"process {pid} to end");
    }

    private static DistributedApplication Build(Action<IDistributedApplicationBuilder> addResources)
    {
        // The AppHost's assembly tells where the orchestrator is.
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            AssemblyName = "SseApp.AppHost",
            DisableDashboard = true,
        });
        addResources(builder);
        return builder.Build();
    }

    private static async Task<IReadOnlyList<LogLine>> LinesAsync(DistributedApplication app)
    {
        var lines = new List<LogLine>();
        var worker = app.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(resource => resource.Name == "worker");
        await foreach (var batch in app.Services.GetRequiredService<ResourceLoggerService>().GetAllAsync(worker))
        {
            lines.AddRange(batch);
        }

        return lines;
    }

    private static Task WaitForLineAsync(DistributedApplication app, Func<LogLine, bool> matches, string what) =>
        Eventually.Async(async () => (await LinesAsync(app)).Any(matches), s_limit, what);

    private static async Task<IReadOnlyList<int>> PidsAsync(DistributedApplication app) =>
        [.. (await LinesAsync(app))
            .Where(line => line.Content.Contains(" pid ", StringComparison.Ordinal) && !line.Content.Contains("[sys]", StringComparison.Ordinal))
            .Select(line => int.Parse(line.Content[(line.Content.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture))];

    private static bool IsRunning(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
