using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using SseApp.AppHost.Archive;
using SseApp.Tests.Hosting;
using PostgresPrograms = SseApp.AppHost.Archive.PostgresPrograms;

namespace SseApp.Tests.AppHost;

/// <summary>What <c>Archive:Mode</c> adds, by what the machine has. That it works is in ArchiveServerTests.</summary>
public sealed class ArchiveModelTests : IDisposable
{
    private const string None = "--ASPIRE_CONTAINER_RUNTIME=no-such-program";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-archive-");

    private string Data => Path.Combine(_folder.FullName, "data");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("None", true, true, null)]
    [InlineData("Auto", true, true, typeof(PostgresDatabaseResource))]
    [InlineData("Auto", true, false, typeof(LocalPostgresResource))]
    [InlineData("Auto", false, false, null)]
    [InlineData("Container", false, false, typeof(PostgresDatabaseResource))]
    [InlineData("Local", true, true, typeof(LocalPostgresResource))]
    [InlineData("External", true, true, typeof(ConnectionStringResource))]
    public async Task The_mode_says_where_the_database_is_and_replicas_are_told(string mode, bool programs, bool containers, Type? expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no PostgreSQL of one's own.");
        // A runtime whose every answer is yes, and one that there is not.
        var (builder, archive) = Create(programs, $"--Archive:Mode={mode}", "--ConnectionStrings:archive=Host=db;Password=x", containers ? "--ASPIRE_CONTAINER_RUNTIME=true" : None);
        await using var application = builder.Build();
        await StartingAsync(builder, application);

        Assert.Equal(expected, archive?.Resource.GetType());
        var lines = application.Services.GetFakeLogCollector().GetSnapshot().Select(line => line.Message).Where(line => line.StartsWith("Archive:Mode", StringComparison.Ordinal)).ToArray();
        Assert.Equal(mode == "Auto" && expected is null ? 1 : 0, lines.Length);
        Assert.All(lines, line => Assert.EndsWith("history ends where Redis ends: no container runtime answers, and Archive:Programs is 'nowhere', where the programs postgres and initdb are not.", line, StringComparison.Ordinal));
        var events = builder.Resources.OfType<ProjectResource>().Single();
        var environment = await EnvironmentAsync(events);
        Assert.Equal(expected is null ? "None" : "PostgreSQL", environment["Archive__Mode"]);
        // They serve without it, also when they are restarted while it is away.
        Assert.Empty(events.Annotations.OfType<WaitAnnotation>());
        Assert.Equal(expected is not null, environment.ContainsKey("ConnectionStrings__archive"));
        if (archive is not null)
        {
            Assert.Equal("archive", archive.Resource.Name);
            Assert.NotEmpty(archive.Resource.Annotations.OfType<HealthCheckAnnotation>());
        }

        // What is written survives the cluster.
        Assert.All(builder.Resources.OfType<ContainerResource>(), container => Assert.Contains(container.Annotations.OfType<ContainerMountAnnotation>(), mount => mount.Type == ContainerMountType.Volume));
    }

    [Fact]
    public async Task Settings_of_the_replicas_reach_them_and_those_of_the_AppHost_do_not()
    {
        var (_, archive) = Create(programs: true, "--Archive:Mode=External", "--ConnectionStrings:archive=Host=db", "--Archive:Retention=7.00:00:00", "--Archive:Overrides:0:Pattern=audit.*", "--Archive:Overrides:0:Retention=365.00:00:00");

        var environment = await EnvironmentAsync(archive!.ApplicationBuilder.Resources.OfType<ProjectResource>().Single());

        Assert.Equal(
            ["Archive__Mode", "Archive__Overrides__0__Pattern", "Archive__Overrides__0__Retention", "Archive__Retention"],
            environment.Keys.Where(name => name.StartsWith("Archive", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal("7.00:00:00", environment["Archive__Retention"]);
    }

    [Theory]
    [InlineData("Archive:Retention=0", "Archive:Retention is 0; it must be between 01:00:00 and 3650.00:00:00")]
    [InlineData("Archive:Overrides:0:Retention=00:30:00", "Archive:Overrides:0:Retention is an hour or more, or 0 to archive nothing.", "--Archive:Overrides:0:Pattern=a.*")]
    [InlineData("Archive:MaxLag=00:00:10", "Archive:MaxLag must be longer than Interval, which is 00:00:15.")]
    [InlineData("Archive:Interval=soon", "Archive:Interval is 'soon'; it must be a time between ")]
    public async Task What_only_the_replicas_read_is_checked_before_anything_starts(string setting, string rule, params string[] others)
    {
        var (builder, _) = Create(programs: true, ["--Archive:Mode=External", "--ConnectionStrings:archive=Host=db", $"--{setting}", .. others]);
        await using var application = builder.Build();

        Assert.StartsWith(rule, await ProblemAsync(builder, application), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_mode_needs_and_does_not_find_is_named()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no PostgreSQL of one's own.");
        var (local, _) = Create(programs: false, "--Archive:Mode=Local");
        await using var without = local.Build();
        Assert.StartsWith("Archive:Mode is 'Local', and Archive:Programs is 'nowhere', where the programs postgres and initdb are not; allowed: None, ", await ProblemAsync(local, without), StringComparison.Ordinal);

        var (external, _) = Create(programs: true, "--Archive:Mode=External");
        await using var unnamed = external.Build();
        Assert.StartsWith("Archive:Mode is 'External', and ConnectionStrings:archive is not set; allowed: ", await ProblemAsync(external, unnamed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_clusters_do_not_use_one_folder()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no PostgreSQL of one's own.");
        // The lock belongs to the application's services.
        await using var first = Create(programs: true, "--Archive:Mode=Local").Builder.Build();
        var (second, _) = Create(programs: true, "--Archive:Mode=Local");
        await using var application = second.Build();

        Assert.Contains($"Archive:DataDirectory is '{Data}', where another cluster keeps its database", await ProblemAsync(second, application), StringComparison.Ordinal);
    }

    [Fact]
    public void The_newest_version_is_taken_but_for_data_that_another_one_made()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no PostgreSQL of one's own.");
        AddPrograms("9.6/bin");
        AddPrograms("15/bin");
        AddPrograms("9/bin");
        AddPrograms("path");
        var machine = new PostgresMachine(IsRoot: false, _folder.FullName);

        Assert.Equal("15/bin", Found());
        Assert.Equal("9/bin", Found(made: 9));
        // Of programs on the path the version is not known; PostgreSQL says by itself if it is the wrong one.
        Assert.Equal("path", Found(made: 17));
        Assert.Contains("apt-get install postgresql-17", PostgresPrograms.Find(new ArchiveOptions(), "", machine, 17).Missing, StringComparison.Ordinal);
        Assert.Contains("apt-get install postgresql)", PostgresPrograms.Find(new ArchiveOptions(), "", machine with { Packages = "/nowhere" }).Missing, StringComparison.Ordinal);

        string? Found(int? made = null) => PostgresPrograms.Find(new ArchiveOptions(), Path.Combine(_folder.FullName, "path"), machine, made).Found is { } found
            ? Path.GetRelativePath(_folder.FullName, found.Folder)
            : null;
    }

    [Theory]
    [InlineData(false, false, false, true)]
    [InlineData(true, true, true, true)]
    [InlineData(true, true, false, false)]
    [InlineData(true, false, true, false)]
    public void As_root_it_takes_a_user_and_a_program_that_becomes_that_user(bool root, bool user, bool setpriv, bool expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no PostgreSQL of one's own.");
        var programs = AddPrograms("bin");
        var users = Path.Combine(_folder.FullName, "passwd");
        File.WriteAllText(users, "root:x:0:0:root:/root:/bin/bash\n" + (user ? "postgres:x:101:104::/home/of/postgres:/bin/bash\n" : ""));
        if (setpriv)
        {
            File.WriteAllText(Path.Combine(programs, "setpriv"), "");
        }

        var (found, missing) = PostgresPrograms.Find(new ArchiveOptions(), programs, new PostgresMachine(root, "/nowhere", users));

        Assert.Equal(expected, found is not null);
        Assert.Equal(expected ? "" : "as root PostgreSQL is run by setpriv as the user postgres, and one of these is not there (apt-get install postgresql util-linux)", missing);
        Assert.Equal(root && expected ? new PostgresUser("postgres", "/home/of/postgres") : null, found?.User);
    }

    /// <summary>A checkout below /root is root's alone, and PostgreSQL runs as another user.</summary>
    [Fact]
    public async Task A_folder_that_the_user_of_PostgreSQL_does_not_reach_is_left_for_its_home()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no PostgreSQL of one's own.");
        var user = new PostgresUser("postgres", "/home/of/postgres");
        var options = new ArchiveOptions { DataDirectory = Data };
        var (builder, _) = Create(programs: true);
        // As a temporary folder is.
        Assert.False(_folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute));

        Assert.Equal(Data, PostgresFolder.Of(builder, options, null).Root);
        PostgresFolder.Of(builder, options, user);
        await using var application = builder.Build();
        Assert.StartsWith($"Archive:DataDirectory is '{Data}', which the user postgres does not reach", await ProblemAsync(builder, application), StringComparison.Ordinal);

        var closed = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, ProjectDirectory = Path.Combine(_folder.FullName, "project") });
        Assert.StartsWith("/home/of/postgres/sseapp-", PostgresFolder.Of(closed, new ArchiveOptions(), user).Root, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("None")]
    [InlineData("Local")]
    public async Task A_published_cluster_gets_a_connection_string_and_only_if_asked(string mode)
    {
        var file = Path.Combine(_folder.FullName, "manifest.json");
        var (builder, _) = Create(programs: true, $"--Archive:Mode={mode}", "--publisher", "manifest", "--output-path", file);
        await using var application = builder.Build();
        await application.RunAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, TestContext.Current.CancellationToken);
        using var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        var resources = manifest.RootElement.GetProperty("resources");

        if (mode == "None")
        {
            Assert.DoesNotContain("archive", resources.GetRawText(), StringComparison.OrdinalIgnoreCase);
            return;
        }

        var environment = resources.GetProperty("events").GetProperty("env");
        Assert.Equal("PostgreSQL", environment.GetProperty("Archive__Mode").GetString());
        Assert.Equal("{archive.connectionString}", environment.GetProperty("ConnectionStrings__archive").GetString());
        Assert.Equal("parameter.v0", resources.GetProperty("archive").GetProperty("type").GetString());
        Assert.True(resources.GetProperty("archive").GetProperty("inputs").GetProperty("value").GetProperty("secret").GetBoolean());
        Assert.Equal(2, resources.EnumerateObject().Count());
    }

    private static async Task<string> ProblemAsync(IDistributedApplicationBuilder builder, DistributedApplication application) =>
        (await Assert.ThrowsAsync<DistributedApplicationException>(() => StartingAsync(builder, application))).Message;

    private static Task StartingAsync(IDistributedApplicationBuilder builder, DistributedApplication application) => builder.Eventing.PublishAsync(
        new BeforeStartEvent(application.Services, application.Services.GetRequiredService<DistributedApplicationModel>()), TestContext.Current.CancellationToken);

    private static async Task<Dictionary<string, object>> EnvironmentAsync(ProjectResource resource)
    {
        var context = new EnvironmentCallbackContext(new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run), resource, cancellationToken: TestContext.Current.CancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return context.EnvironmentVariables;
    }

    private string AddPrograms(string folder)
    {
        var path = Directory.CreateDirectory(Path.Combine(_folder.FullName, folder)).FullName;
        File.WriteAllText(Path.Combine(path, "postgres"), "");
        File.WriteAllText(Path.Combine(path, "initdb"), "");
        return path;
    }

    private (IDistributedApplicationBuilder Builder, IResourceBuilder<IResourceWithConnectionString>? Archive) Create(bool programs, params string[] arguments)
    {
        // Aspire wants to know where its programs are, though none of them is started.
        string[] all =
        [
            $"--Archive:DataDirectory={Data}", $"--Archive:Programs={(programs ? AddPrograms("programs") : "nowhere")}", .. arguments, "--DcpPublisher:CliPath=none", "--DcpPublisher:DashboardPath=none",
        ];
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { Args = all, DisableDashboard = true });
        builder.Services.AddLogging(logging => logging.AddFakeLogging());
        return (builder, builder.AddArchive(builder.AddProject<TestProject>("events", launchProfileName: null), new PostgresMachine(IsRoot: false)));
    }
}
