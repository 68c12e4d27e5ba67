using SseApp.Bench.Generator;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>Limits of the system beside that of open files, which has tests of its own.</summary>
public sealed class SystemLimitsTests : IDisposable
{
    // Sent to a process that writes beyond the largest file that it may have (LimitFSIZE=, ulimit -f).
    private const int FileTooLargeSignal = 25;

    // SIGUSR1, by which logrotate asks nginx to open its logs again, and SIGUSR2, by which PM2 asks to reload.
    private const int ReopenSignal = 10;
    private const int Pm2Signal = 12;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-limits-");

    private string Log => Path.Combine(_folder.FullName, "access.log");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("SseApp.Gateway")]
    [InlineData("SseApp.Events")]
    public async Task A_service_starts_where_others_have_all_watchers_and_lives_on_when_a_file_of_it_is_too_large(string project)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && await MayUnshareAsync(), "Only in a namespace of one's own nobody else misses the watchers, and the system allows none.");
        await using var service = new ServiceProcess(
            "limited",
            project,
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["ConnectionStrings__redis"] = "127.0.0.1:1,connectTimeout=50,password=p",
                ["AccessLog__Enabled"] = "true",
                ["AccessLog__File"] = Log,
            },
            withoutWatchers: true);
        await service.StartAsync();

        foreach (var signal in (int[])[FileTooLargeSignal, ReopenSignal, Pm2Signal])
        {
            Libc.Signal(service.Process.Id, signal);
        }

        using (var limit = Process.Start("prlimit", ["--pid", $"{service.Process.Id}", "--fsize=2048:2048"]))
        {
            await limit.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, limit.ExitCode);
        }

        using var client = new HttpClient { BaseAddress = service.Address };
        for (var i = 0; i < 20; i++)
        {
            using var logged = await client.GetAsync("/topics/a", TestContext.Current.CancellationToken);
        }

        if (project == "SseApp.Gateway")
        {
            await Eventually.Async(() => service.Process.Tail(100).Contains($"{Log} cannot be written", StringComparison.Ordinal), TimeSpan.FromSeconds(20), "the end of the log to be reported");
        }

        using var answer = await client.GetAsync("/alive", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.False(service.Process.HasExited);
    }

    /// <summary>As in a container with <c>--pids-limit 20</c>: the runtime's own word for it is "Out of memory.".</summary>
    [Theory]
    [InlineData("SseApp.Gateway")]
    [InlineData("SseApp.Events")]
    public async Task A_service_that_may_have_too_few_threads_says_so_and_does_not_start(string project)
    {
        var group = new DirectoryInfo($"/sys/fs/cgroup/pids/sse-{Guid.NewGuid():N}");
        try
        {
            group.Create();
            await File.WriteAllTextAsync(Path.Combine(group.FullName, "pids.max"), "20", TestContext.Current.CancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Assert.Skip("Only root of a machine with control groups of version 1 can make one here.");
        }

        try
        {
            using var process = Process.Start(new ProcessStartInfo("sh", ["-c", $"echo $$ > {group.FullName}/cgroup.procs && exec dotnet {Repository.Assembly(project)}"]) { RedirectStandardError = true, UseShellExecute = false })!;
            var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);

            Assert.Equal(1, process.ExitCode);
            Assert.Matches("^The process may have 20 threads \\(pids.max is 20, for all processes of its container\\); this service needs at least [0-9]+ with [0-9]+ processors\\. .*--pids-limit.*\\s*$", errors);
        }
        finally
        {
            group.Delete();
        }
    }

    private static async Task<bool> MayUnshareAsync()
    {
        using var process = Process.Start(new ProcessStartInfo("unshare", ["--user", "--map-root-user", "true"]) { RedirectStandardError = true, UseShellExecute = false })!;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode == 0;
    }
}
