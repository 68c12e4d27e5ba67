using Aspire.Hosting;
using SseApp.AppHost;
using SseApp.AppHost.Archive;
using SseApp.AppHost.Startup;
using SseApp.Bench.Generator;
using PostgresPrograms = SseApp.AppHost.Archive.PostgresPrograms;

namespace SseApp.Tests.AppHost;

/// <summary>The AppHost as a process of its own, as a user starts it.</summary>
public sealed class StartupTests
{
    private const int Interrupt = 2;

    private static readonly TimeSpan s_refusalLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_startLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(15);

    /// <summary>The variables of the launch profile that have a port.</summary>
    private static readonly string[] s_variables = ["ASPNETCORE_URLS", "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"];

    [Theory]
    [InlineData("Cluster:Replicas=three", "it must be a whole number from 1 to 64, or max (one for each processor core).")]
    [InlineData("Cluster:Replicas=65", "it must be between 1 and 64.", "Cluster:Replica=5", "did you mean Cluster:Replicas?", "Cluster:KeyPrefix=a b", "it must match ")]
    [InlineData("Cluster:DashboardPort=-1", "it must be between 0 and 65535.")]
    [InlineData("Backplane:Mode=Redis", "it must be one of Auto, Container, Garnet, External.")]
    [InlineData("Backplane:Mode=2", "it must be one of Auto, Container, Garnet, External.")]
    [InlineData("Backplane:Mode=External", "ConnectionStrings:redis", "Archive:Mode=External", "ConnectionStrings:archive")]
    [InlineData("Archive:Mode=PostgreSQL", "it must be one of None, Auto, Container, Local, External.", "Archive:Retantion=1", "did you mean Archive:Retention?")]
    [InlineData("Restart:events:Delay=soon", "it must be a time between 00:00:00 and 01:00:00", "Backplane:Persistent=perhaps", "it must be true or false.")]
    [InlineData("Restart:event:Delay=00:00:01", "did you mean Restart:events?", "Restart=never", "it is a section; allowed: ")]
    [InlineData("Cluster:GatewayPort=http", "it must be a whole number between 0 and 65535.", "Restart:gateway:MaxRestarts=0", "it must be between 1 and 1000.")]
    [InlineData("Backplane:GarnetMemoryMiB=1", "it must be between 64 and 1048576.", "Backplane:GarnetMemory=1", "did you mean Backplane:GarnetMemoryMiB?")]
    [InlineData("Backplane:DataDir=/tmp", "did you mean Backplane:DataDirectory?", "Backplane:X=1", "but there is no setting Backplane:X. Allowed: ")]
    [InlineData("Clusters:Replicas=5", "did you mean Cluster:Replicas?", "Cluster_Replicas=5", "did you mean Cluster:Replicas, as a variable Cluster__Replicas?")]
    [InlineData("Restart:redis:SlowAfter=00:05:00", "only of replicas is it known", "Restart:gateway:SlowAfter=00:05:00", "only of replicas is it known")]
    [InlineData("Restart:events:HungAfter=half a minute", "it must be a time between 00:00:00 and 01:00:00", "Restart:SlowLimit=0", "it must be between 00:00:00.001")]
    public async Task A_wrong_setting_ends_with_1_and_a_last_line_that_names_it_its_value_and_what_is_allowed(params string[] settingsAndRules)
    {
        var wrong = settingsAndRules.Chunk(2).Select(pair => (Setting: pair[0].Split('='), Rule: pair[1])).ToArray();

        var lines = await RefusalAsync(
        [
            .. ((string[])["Cluster:GatewayPort", "Cluster:DashboardPort"]).Except(wrong.Select(each => each.Setting[0])).Select(port => $"--{port}=0"),
            .. wrong.Select(each => $"--{string.Join('=', each.Setting)}"),
        ]);

        foreach (var (setting, rule) in wrong)
        {
            Assert.Contains(lines[^wrong.Length..], line => (line.StartsWith($"{setting[0]} is '{setting[1]}'", StringComparison.Ordinal) || line.StartsWith($"{setting[0]} is {setting[1]}", StringComparison.Ordinal)) && line.Contains(rule, StringComparison.Ordinal));
        }
    }

    /// <summary>Aspire's dashboard would take HTTPS then, and end over its certificate before any setting is looked at.</summary>
    [Theory]
    [InlineData(null, "Cluster:Replicas is 65; it must be between 1 and 64.", "--Cluster:Replicas=65")]
    [InlineData("https://localhost:0", "Cluster:Replicas is 65; it must be between 1 and 64.", "--Cluster:Replicas=65")]
    [InlineData("https://localhost:0", "The dashboard's addresses are for HTTPS (ASPNETCORE_URLS, *'dotnet dev-certs https'.")]
    public async Task Without_a_launch_profile_what_is_wrong_is_named_and_not_a_certificate_by_a_stack_trace(string? url, string line, params string[] arguments)
    {
        using var home = new Folder();

        var lines = await RefusalAsync(["--Cluster:GatewayPort=0", "--Backplane:Mode=Garnet", .. arguments], environment: new()
        {
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = null,
            ["DOTNET_ENVIRONMENT"] = null,
            ["ASPNETCORE_ENVIRONMENT"] = null,
            ["ASPNETCORE_URLS"] = url,
            ["HOME"] = home.Path,
        });

        Assert.Contains(lines, printed => Array.TrueForAll(line.Split('*'), part => printed.Contains(part, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_dashboards_addresses_without_a_launch_profile_are_those_of_the_profile()
    {
        using var profiles = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root!, "SseApp.AppHost/Properties/launchSettings.json")));
        var profile = profiles.RootElement.GetProperty("profiles").GetProperty("http");
        var expected = profile.GetProperty("environmentVariables").EnumerateObject()
            .Where(variable => !variable.Name.EndsWith("_ENVIRONMENT", StringComparison.Ordinal))
            .ToDictionary(variable => variable.Name, variable => variable.Value.GetString()!, StringComparer.Ordinal);
        expected[DashboardAddresses.Dashboard] = profile.GetProperty("applicationUrl").GetString()!;

        Assert.Equal(expected.OrderBy(pair => pair.Key, StringComparer.Ordinal), DashboardAddresses.Defaults.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Cluster:Replicas 5", "The argument 'Cluster:Replicas' is neither a setting nor the value of one; write --Cluster:Replicas=<value>.")]
    [InlineData("--Cluster:Replicas", "The argument '--Cluster:Replicas' has no value; write --Cluster:Replicas=<value>.")]
    [InlineData("-Cluster:Replicas=5", "The argument '-Cluster:Replicas' begins with one dash, as no setting does; write --Cluster:Replicas=<value>.")]
    [InlineData("--DashboardPort=5", "The argument --DashboardPort is no setting; did you mean --Cluster:DashboardPort=<value>?")]
    public async Task An_argument_that_would_mean_nothing_is_named(string arguments, string line) =>
        Assert.Contains(line, await RefusalAsync(["--Cluster:GatewayPort=0", "--Cluster:DashboardPort=0", .. arguments.Split(' ')]));

    [Fact]
    public async Task A_setting_of_a_service_that_would_not_reach_it_is_named()
    {
        var lines = await RefusalAsync(["--Cluster:GatewayPort=0", "--Cluster:DashboardPort=0", "--Access:Deny=127.0.0.1"]);

        Assert.StartsWith("Access:Deny is set for the AppHost alone, which does not read it; set the environment variable Access__Deny, ", lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("max")]
    [InlineData("Max")]
    public void As_many_replicas_as_cores_are_max(string text) =>
        Assert.Equal(
            Math.Min(Environment.ProcessorCount, 64),
            DistributedApplication.CreateBuilder([$"--Cluster:Replicas={text}"]).GetClusterOptions().Replicas);

    [Fact]
    public async Task Taken_ports_are_named_in_one_message_with_the_settings_that_change_them()
    {
        using var taken = new TakenPorts(s_variables.Length + 1);

        var lines = await RefusalAsync([$"--Cluster:GatewayPort={taken[^1]}"], taken);

        Assert.Contains(lines, line => line.StartsWith($"Port {taken[^1]} is taken", StringComparison.Ordinal) && line.Contains("--Cluster:GatewayPort", StringComparison.Ordinal));
        Assert.All(s_variables, (variable, index) => Assert.Contains(lines, line =>
            line.StartsWith($"Port {taken[index]} is taken", StringComparison.Ordinal)
            && line.Contains(variable, StringComparison.Ordinal) && line.Contains("--Cluster:DashboardPort", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(Interrupt, 0)]
    [InlineData(Libc.Kill, 128 + Libc.Kill)]
    public async Task A_second_cluster_needs_only_its_two_ports_and_leaves_no_process_behind(int signal, int exitCode)
    {
        using var first = new TakenPorts(s_variables.Length);
        var mark = Guid.NewGuid().ToString();
        using var data = new Folder();
        var isArchived = PostgresPrograms.Find(new ArchiveOptions(), Environment.GetEnvironmentVariable("PATH") ?? "", PostgresMachine.Here).Found is not null;
        await using var appHost = Start(
            ["--Cluster:GatewayPort=0", "--Cluster:DashboardPort=0", "--Cluster:Replicas=1", "--Backplane:Mode=Garnet", "--Monitoring:Enabled=true", $"--Monitoring:DataDirectory={data.Path}",
                $"--Archive:Mode={(isArchived ? "Local" : "None")}", $"--Archive:DataDirectory={data.Path}/archive"],
            first,
            mark);
        try
        {
            await Eventually.Async(() => appHost.HasExited || AppHostLines.KeyFile().IsMatch(appHost.Tail(100)), s_startLimit, "the cluster to be ready");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} It printed: {appHost.Tail(20)}", exception);
        }

        Assert.False(appHost.HasExited, $"The AppHost ended. It printed: {appHost.Tail()}");
        var printed = appHost.Tail(100);
        using var client = new HttpClient();
        foreach (var url in new[] { $"{AppHostLines.Gateway().Match(printed).Groups["url"].Value}/health", AppHostLines.Dashboard().Match(printed).Groups["url"].Value })
        {
            using var answer = await client.GetAsync(new Uri(url), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        var garnet = Assert.Single(Marked(mark), process => process.Contains("GarnetServer", StringComparison.Ordinal)).Split(' ');
        var secret = garnet[Array.IndexOf(garnet, "--config-import-path") + 1];
        Assert.True(File.Exists(secret), secret);
        // The key is of this run: in a file that only this user can read, and a secret of the dashboard.
        var operators = AppHostLines.Operators().Match(printed);
        var keyFile = AppHostLines.KeyFile().Match(printed).Groups["file"].Value;
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(keyFile) == (UnixFileMode.UserRead | UnixFileMode.UserWrite), keyFile);
        var key = (await File.ReadAllTextAsync(keyFile, TestContext.Current.CancellationToken)).Trim();
        Assert.DoesNotContain(key, printed, StringComparison.Ordinal);
        using (var operatorClient = OperatorAccess.Client(new Uri(operators.Groups["url"].Value), key))
        {
            Assert.Single((await operatorClient.GetFromJsonAsync<JsonElement>("/admin/replicas", TestContext.Current.CancellationToken)).EnumerateArray());
        }

        // What is installed of these runs, and ends with the rest.
        foreach (var program in ((string[])["prometheus", "prometheus-alertmanager"]).Select(BackplaneServer.FindOnPath).OfType<string>())
        {
            Assert.Contains(Marked(mark), process => process.Contains($"{program} ", StringComparison.Ordinal));
        }

        Assert.Equal(isArchived ? 1 : 0, Marked(mark).Count(process => process.Contains($"bin/postgres -D {data.Path}/archive/data ", StringComparison.Ordinal)));
        Assert.Equal(isArchived, printed.Contains("Database:     psql ", StringComparison.Ordinal));
        Assert.NotEmpty(Marked(mark));
        Libc.Signal(appHost.Id, signal);

        await Eventually.Async(() => Marked(mark).Length == 0, s_endLimit, $"these processes to end: {string.Join(", ", Marked(mark))}");
        await appHost.WaitForExitAsync();
        Assert.Equal(exitCode, appHost.ExitCode);
        if (signal == Interrupt)
        {
            Assert.False(Directory.Exists(Path.GetDirectoryName(secret)), secret);
            Assert.False(File.Exists(keyFile), keyFile);
        }
        else
        {
            // Nobody was left to remove them; what they belonged to is gone, too.
            Directory.Delete(Path.GetDirectoryName(secret)!, recursive: true);
            Directory.Delete(Path.GetDirectoryName(keyFile)!, recursive: true);
        }
    }

    /// <summary>The orchestrator is there, and what it starts is not: the start fails because it is given up.</summary>
    [Theory]
    [InlineData(Interrupt)]
    [InlineData(Libc.Terminate)]
    public async Task A_cluster_that_is_stopped_while_it_starts_ends_quietly_and_leaves_no_process_behind(int signal)
    {
        var mark = Guid.NewGuid().ToString();
        await using var appHost = Start(["--Cluster:GatewayPort=0", "--Cluster:DashboardPort=0", "--Cluster:Replicas=1", "--Backplane:Mode=Garnet"], null, mark);
        await Eventually.Async(
            () => appHost.HasExited || Array.Exists(Marked(mark), process => process.Contains("/dcp ", StringComparison.Ordinal)), s_startLimit, "the orchestrator");

        Libc.Signal(appHost.Id, signal);

        await Eventually.Async(() => Marked(mark).Length == 0, s_endLimit, $"these processes to end: {string.Join(", ", Marked(mark))}");
        await appHost.WaitForExitAsync();
        var printed = appHost.Tail(100);
        Assert.True(appHost.ExitCode == 0, $"Exit code {appHost.ExitCode}: {printed}");
        Assert.DoesNotContain("fail: ", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", printed, StringComparison.Ordinal);
    }

    /// <summary>The processes that have it in their environment, as whatever the AppHost starts inherits it.</summary>
    private static string[] Marked(string mark) => [.. Directory.EnumerateDirectories("/proc").Select(process =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "environ")).Contains(mark, StringComparison.Ordinal)
                ? $"{Path.GetFileName(process)} {File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' ')}"
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // No process, somebody else's, or over.
            return null;
        }
    }).OfType<string>()];

    /// <summary>Starts an AppHost that must refuse to, and returns what it printed.</summary>
    private static async Task<string[]> RefusalAsync(string[] arguments, TakenPorts? launchProfile = null, Dictionary<string, string?>? environment = null)
    {
        await using var appHost = Start(arguments, launchProfile, environment: environment);
        await appHost.WaitForExitAsync().WaitAsync(s_refusalLimit, TimeProvider.System, TestContext.Current.CancellationToken);
        var printed = appHost.Tail(100);
        Assert.True(appHost.ExitCode == 1, $"Exit code {appHost.ExitCode}: {printed}");
        Assert.DoesNotContain("Unhandled exception", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", printed, StringComparison.Ordinal);
        return printed.Split(" | ");
    }

    private static ChildProcess Start(string[] arguments, TakenPorts? launchProfile, string mark = "", Dictionary<string, string?>? environment = null)
    {
        var assembly = Repository.Assembly("SseApp.AppHost");
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments]) { WorkingDirectory = Path.Combine(Repository.Root!, "SseApp.AppHost") };
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        start.Environment["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
        start.Environment["SSEAPP_TEST"] = mark;
        start.Environment.Remove("Admin__KeyFile");
        for (var i = 0; i < s_variables.Length; i++)
        {
            start.Environment[s_variables[i]] = launchProfile is null ? null : $"http://localhost:{launchProfile[i]}";
        }

        foreach (var (variable, value) in environment ?? [])
        {
            start.Environment[variable] = value;
        }

        return ChildProcess.Start(start);
    }

    /// <summary>For the time of a test.</summary>
    private sealed class Folder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-data-");

        public Folder()
        {
            // Root's PostgreSQL runs as another user.
            if (!OperatingSystem.IsWindows())
            {
                _folder.UnixFileMode |= UnixFileMode.OtherExecute;
            }
        }

        public string Path => _folder.FullName;

        public void Dispose() => _folder.Delete(recursive: true);
    }

    /// <summary>Ports on which somebody else listens.</summary>
    private sealed class TakenPorts : IDisposable
    {
        private readonly TcpListener[] _listeners;

        public TakenPorts(int count)
        {
            _listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
            Array.ForEach(_listeners, listener => listener.Start());
        }

        public int this[Index index] => ((IPEndPoint)_listeners[index].LocalEndpoint).Port;

        public void Dispose() => Array.ForEach(_listeners, listener => listener.Dispose());
    }
}
