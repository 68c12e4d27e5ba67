namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>The real services, copied to a folder and started from another one, as a service manager does.</summary>
public sealed class ContentRootTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-root-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Program => Path.Combine(_folder.FullName, "program");

    private string Working => Path.Combine(_folder.FullName, "working");

    public void Dispose() => _folder.Delete(recursive: true);

    // What is wrong in a file says which one was read. Files: folder/name, separated by '|'.
    [Theory]
    [InlineData("SseApp.Gateway", "program/appsettings.json", "", "program/appsettings.json")]
    [InlineData("SseApp.Events", "program/appsettings.Production.json", "", "program/appsettings.Production.json")]
    [InlineData("SseApp.Events", "program/appsettings.json|working/other.json", "", "program/appsettings.json")]
    [InlineData("SseApp.Events", "program/appsettings.json|working/appsettings.json", "", "working/appsettings.json")]
    [InlineData("SseApp.Events", "program/appsettings.json|working/appsettings.Production.json", "", "working/appsettings.Production.json")]
    [InlineData("SseApp.Events", "program/appsettings.json|working/appsettings.Staging.json", "", "program/appsettings.json")]
    [InlineData("SseApp.Events", "program/appsettings.json|working/appsettings.json|set/appsettings.json", "--contentRoot={0}/set", "set/appsettings.json")]
    [InlineData("SseApp.Gateway", "program/appsettings.json|set/appsettings.json", "ASPNETCORE_CONTENTROOT={0}/set", "set/appsettings.json")]
    public async Task Settings_are_read_where_they_are(string project, string files, string set, string read)
    {
        Copy(project);
        foreach (var file in files.Split('|'))
        {
            Write(file, $$"""{ "Drain": { "Window": "{{file}}" } }""");
        }

        set = string.Format(CultureInfo.InvariantCulture, set, _folder.FullName);
        var lines = await RefusedAsync(project, set.StartsWith("--", StringComparison.Ordinal) ? [set] : [], set.StartsWith("--", StringComparison.Ordinal) || set.Length == 0 ? [] : [(set.Split('=')[0], set.Split('=')[1])]);

        Assert.StartsWith($"Drain:Window is '{read}'; ", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("program/appsettings.json/x", "", "*/program/appsettings.json is a folder, and settings are read from a file of this name. *")]
    [InlineData("program/appsettings.json|program/appsettings.Production.json", "Prod", "*/program/appsettings.Production.json is not read: the environment is 'Prod'. *")]
    [InlineData("program/appsettings.json|working/appsettings.Prod.json", "", "*/working/appsettings.Prod.json is not read: the environment is 'Production'. *")]
    [InlineData("program/appsettings.json|program/appsettings.Prodution.json", "", "*/program/appsettings.Prodution.json is not read: the environment is 'Production'. *")]
    public async Task A_file_that_somebody_believes_to_be_read_stops_the_start(string files, string environment, string line)
    {
        Copy("SseApp.Events");
        foreach (var file in files.Split('|'))
        {
            Write(file, "{}");
        }

        var lines = await RefusedAsync("SseApp.Events", [], environment.Length > 0 ? [("ASPNETCORE_ENVIRONMENT", environment)] : []);

        Assert.True(System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(line, Assert.Single(lines), ignoreCase: false), lines[0]);
    }

    [Fact]
    public async Task A_service_that_is_started_elsewhere_has_its_settings_and_relative_paths_begin_where_they_are()
    {
        Copy("SseApp.Gateway");
        Write("program/appsettings.json", """{ "Access": { "Deny": "127.0.0.2" }, "StaticFiles": { "Root": "pages" }, "AccessLog": { "Enabled": true, "File": "logs/access.log" } }""");
        Write("program/pages/index.html", "mine");
        await using var gateway = new ServiceProcess("gateway", "SseApp.Gateway", s_environment, assembly: Path.Combine(Program, "SseApp.Gateway.dll"), workingDirectory: "/");
        await gateway.StartAsync();

        Assert.Equal("mine", await Get("127.0.0.1"));
        Assert.Equal("Forbidden", await Get("127.0.0.2"));
        await Eventually.Async(() => File.Exists(Path.Combine(Program, "logs", "access.log")), s_limit, "the access log");

        async Task<string> Get(string from)
        {
            using var client = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (context, cancellation) =>
                {
                    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                    await socket.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            });
            using var answer = await client.GetAsync(gateway.Address, Cancellation);
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync(Cancellation) : answer.StatusCode.ToString();
        }
    }

    [Fact]
    public async Task What_the_program_has_and_the_working_directory_has_not_is_named()
    {
        Copy("SseApp.Gateway");
        Write("program/appsettings.json", """{ "Access": { "Deny": "127.0.0.2" }, "Logging": { "LogLevel": { "Yarp": "Warning" } } }""");
        Write("working/appsettings.json", """{ "Access": { "Allow": "127.0.0.0/8" } }""");
        var lines = new ConcurrentQueue<string>();
        await using var gateway = new ServiceProcess("gateway", "SseApp.Gateway", s_environment, onLine: lines.Enqueue, assembly: Path.Combine(Program, "SseApp.Gateway.dll"), workingDirectory: Working);
        await gateway.StartAsync();

        await Eventually.Async(
            () => lines.Any(line => line.Contains($"{Program}/appsettings.json is not read, because the working directory {Working} has settings of its own, and these are in the former only: Access:Deny. ", StringComparison.Ordinal)),
            s_limit,
            "the line about the file");
    }

    private static readonly Dictionary<string, string> s_environment = new(StringComparer.Ordinal)
    {
        ["ConnectionStrings__redis"] = "127.0.0.1:1,connectTimeout=50",
        ["Cluster__AllowRedisWithoutPassword"] = "true",
        ["Security__AllowAnonymous"] = "true",
    };

    private void Copy(string project)
    {
        Directory.CreateDirectory(Program);
        Directory.CreateDirectory(Working);
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(Repository.Assembly(project))!).Where(file => !Path.GetFileName(file).StartsWith("appsettings", StringComparison.Ordinal) && Path.GetExtension(file) is ".dll" or ".json"))
        {
            File.CreateSymbolicLink(Path.Combine(Program, Path.GetFileName(file)), file);
        }

        // The program itself is where it is found.
        foreach (var own in (string[])[$"{project}.dll", $"{project}.runtimeconfig.json", $"{project}.deps.json"])
        {
            var copy = Path.Combine(Program, own);
            File.Delete(copy);
            File.Copy(Path.Combine(Path.GetDirectoryName(Repository.Assembly(project))!, own), copy);
        }
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_folder.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private async Task<string[]> RefusedAsync(string project, string[] arguments, (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Program, $"{project}.dll"), .. arguments]) { WorkingDirectory = Working };
        start.Environment["Security__GatewayKey"] = ClusterKey.Text;
        start.Environment["urls"] = "http://127.0.0.1:0";
        foreach (var (name, value) in variables.Concat(s_environment.Select(pair => (pair.Key, pair.Value))))
        {
            start.Environment[name] = value;
        }

        var errors = new ConcurrentQueue<string>();
        await using var process = ChildProcess.Start(start, onError: errors.Enqueue);
        await process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, Cancellation);
        Assert.True(process.ExitCode == 1, process.Tail(20));
        return [.. errors];
    }
}
