using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Npgsql;
using SseApp.AppHost.Archive;
using SseApp.AppHost.Supervision;
using SseApp.Bench.Generator;
using SseApp.Tests.Hosting;
using PostgresPrograms = SseApp.AppHost.Archive.PostgresPrograms;

namespace SseApp.Tests.AppHost;

/// <summary>The local PostgreSQL of the cluster, by itself.</summary>
public sealed class ArchiveServerTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-archive-");

    public ArchiveServerTests()
    {
        // Root's PostgreSQL runs as another user.
        if (!OperatingSystem.IsWindows())
        {
            _folder.UnixFileMode |= UnixFileMode.OtherExecute;
        }
    }

    private string ProcessFile => Path.Combine(_folder.FullName, "archive", "data", "postmaster.pid");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task It_is_healthy_comes_back_after_a_crash_and_a_hang_and_keeps_its_data_over_the_end_of_the_cluster()
    {
        var (found, missing) = PostgresPrograms.Find(new ArchiveOptions(), Environment.GetEnvironmentVariable("PATH") ?? "", PostgresMachine.Here);
        Assert.SkipWhen(found is null, missing);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_limit);
        await using (var application = Create())
        {
            var database = await StartAsync(application, limit.Token);
            await using var source = NpgsqlDataSource.Create(database);
            // As the replicas do, which are no superuser.
            await ExecuteAsync(source, "CREATE TABLE kept AS SELECT 7 AS number", limit.Token);
            Assert.False(await ReadAsync<bool>(source, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", limit.Token));
            Assert.Equal("127.0.0.1", await ReadAsync<string>(source, "SHOW listen_addresses", limit.Token));
            await Assert.ThrowsAsync<PostgresException>(() => OpenAsync(new NpgsqlConnectionStringBuilder(database) { Password = "wrong" }, limit.Token));

            var first = await ProcessIdAsync();
            Libc.Signal(first, Libc.Kill);
            await Eventually.Async(() => File.Exists(ProcessFile) && ProcessId() != first, s_limit, "another process of PostgreSQL");
            await application.ResourceNotifications.WaitForResourceHealthyAsync("archive", limit.Token);
            // At the same address.
            await Eventually.Async(async () => await IsKeptAsync(database), s_limit, "the table after the crash");
            // Nor does it stay when it hangs.
            var hanging = await ProcessIdAsync();
            Libc.Signal(hanging, Libc.Stop);
            await Eventually.Async(() => File.Exists(ProcessFile) && ProcessId() != hanging, s_limit, "another process in the place of one that hangs");
            await Eventually.Async(async () => await IsKeptAsync(database), s_limit, "the table after the hang");
            await application.StopAsync(limit.Token);
            await Eventually.Async(() => !File.Exists(ProcessFile), s_limit, "the end of PostgreSQL, which takes its file away");
        }

        await using var second = Create();
        Assert.True(await IsKeptAsync(await StartAsync(second, limit.Token)));
        await second.StopAsync(limit.Token);
    }

    private static async Task<string> StartAsync(DistributedApplication application, CancellationToken cancellationToken)
    {
        await application.StartAsync(cancellationToken);
        await application.ResourceNotifications.WaitForResourceHealthyAsync("archive", cancellationToken);
        var archive = application.Services.GetRequiredService<DistributedApplicationModel>().Resources.OfType<LocalPostgresResource>().Single();
        return (await archive.ConnectionStringExpression.GetValueAsync(cancellationToken))!;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string text, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(text);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<T> ReadAsync<T>(NpgsqlDataSource source, string text, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(text);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task OpenAsync(NpgsqlConnectionStringBuilder database, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
    }

    private static async Task<bool> IsKeptAsync(string database)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(database);
            return await ReadAsync<int>(source, "SELECT number FROM kept", TestContext.Current.CancellationToken) == 7;
        }
        catch (NpgsqlException)
        {
            // It recovers.
            return false;
        }
    }

    private async Task<int> ProcessIdAsync()
    {
        await Eventually.Async(() => File.Exists(ProcessFile), s_limit, "the file with the process id of PostgreSQL");
        return ProcessId();
    }

    private int ProcessId() => int.TryParse(File.ReadLines(ProcessFile).FirstOrDefault(), CultureInfo.InvariantCulture, out var id) ? id : 0;

    private DistributedApplication Create()
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = ["--Archive:Mode=Local", $"--Archive:DataDirectory={_folder.FullName}/archive", "--Restart:archive:Delay=00:00:00.200", "--Restart:archive:MinUptime=00:00:00", "--Restart:archive:HungAfter=00:00:08", "--Restart:archive:StartLimit=00:01:00"],
            // It tells where the orchestrator is.
            AssemblyName = "SseApp.AppHost",
            DisableDashboard = true,
        });
        // Replicas are not needed for it.
        var archive = builder.AddArchive(builder.AddProject<TestProject>("events", launchProfileName: null).WithExplicitStart());
        Assert.IsAssignableFrom<IResourceBuilder<LocalPostgresResource>>(archive).WithRestartPolicy();
        return builder.Build();
    }
}
