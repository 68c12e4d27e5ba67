namespace SseApp.Tests.Infrastructure;

/// <summary>One of the repository's services as a process of its own, at an address that outlives its end.</summary>
/// <param name="name">For messages; a replica's id.</param>
/// <param name="project">The project that builds it.</param>
/// <param name="environment">Its configuration.</param>
/// <param name="addresses">How many addresses it listens on: 127.0.0.1, 127.0.0.2, ….</param>
/// <param name="quickStart">False: with the runtime settings that it is shipped with, see <see cref="QuickStart"/>.</param>
/// <param name="probe">Where it answers when <paramref name="environment"/> has it listen elsewhere.</param>
/// <param name="onLine">Called with each line that it prints.</param>
/// <param name="assembly">A copy of the program; null: the one that the project built.</param>
/// <param name="workingDirectory">Where it is started; null: in the program's folder.</param>
/// <param name="withoutWatchers">Nobody may have an instance of inotify in its namespace.</param>
/// <param name="files">Its limit of open files, and how many of them others have taken; null: as the tests have it.</param>
/// <param name="host">Where it runs and listens; null: here, on loopback.</param>
internal sealed class ServiceProcess(
    string name,
    string project,
    IEnumerable<KeyValuePair<string, string>> environment,
    int addresses = 1,
    bool quickStart = true,
    (int Limit, int Taken)? files = null,
    Uri? probe = null,
    Action<string>? onLine = null,
    string? assembly = null,
    string? workingDirectory = null,
    bool withoutWatchers = false,
    NetworkHost? host = null) : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_probeLimit = TimeSpan.FromSeconds(5);
    private static readonly HttpClient s_probe = new() { Timeout = s_probeLimit };

    private readonly HttpClient _probe = host is null ? s_probe : new HttpClient(host.Handler()) { Timeout = s_probeLimit };
    private ChildProcess? _process;

    /// <summary>Also the replica's id.</summary>
    public string Name => name;

    public Uri Address { get; } = new($"http://{host?.Address ?? IPAddress.Loopback}:{Ports.Next()}");

    /// <summary>Where it answers operators; the key is that of all tests.</summary>
    public Uri Admin { get; } = new($"http://127.0.0.1:{Ports.Next()}");

    /// <summary>What its configuration has from the next start on.</summary>
    public Dictionary<string, string> Changes { get; } = new(StringComparer.Ordinal);

    public ChildProcess Process => _process ?? throw new InvalidOperationException($"{name} was not started.");

    /// <summary>Starts it, and waits until it answers its liveness probe.</summary>
    public async Task StartAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        var program = assembly ?? Repository.Assembly(project);
        // The program inherits what the shell has open.
        var start = files is var (limit, taken)
            ? new ProcessStartInfo("bash", ["-c", $"ulimit -n {limit}; for ((i = 20; i < 20 + {taken}; i++)); do eval \"exec $i</dev/null\"; done; exec dotnet \"$0\"", program])
            : withoutWatchers ? new ProcessStartInfo("unshare", ["--user", "--map-root-user", "bash", "-c", "echo 0 > /proc/sys/user/max_inotify_instances && exec dotnet \"$0\"", program])
            : host is not null ? host.Program("dotnet", program)
            : new ProcessStartInfo("dotnet", [program]);
        start.WorkingDirectory = workingDirectory ?? Path.GetDirectoryName(program);
        start.Environment["ASPNETCORE_URLS"] = host is not null ? Address.AbsoluteUri : string.Join(';', Enumerable.Range(1, addresses).Select(host => $"http://127.0.0.{host}:{Address.Port}"));
        start.Environment["Admin__Urls"] = Admin.AbsoluteUri;
        start.Environment["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={name}";
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        start.Environment["Security__GatewayKey"] = ClusterKey.Text;
        if (!quickStart)
        {
            QuickStart.Undo(start.Environment);
        }

        foreach (var (key, value) in environment.Concat(Changes))
        {
            start.Environment[key] = value;
        }

        _process = ChildProcess.Start(start, onLine, onLine);
        try
        {
            await Eventually.Async(AnswersAsync, s_limit, $"{name} to answer");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} It printed: {_process.Tail()}", exception);
        }
    }

    /// <summary>Ends it; what it logged as an error is printed with the test, should that fail.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is null)
        {
            return;
        }

        if (_process.Errors() is { Length: > 0 } errors)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{name} logged:{Environment.NewLine}{errors}");
        }

        await _process.DisposeAsync();
    }

    private async Task<bool> AnswersAsync()
    {
        if (Process.HasExited)
        {
            throw new InvalidOperationException($"{name} ended at start. It printed: {Process.Tail()}");
        }

        try
        {
            using var answer = await _probe.GetAsync(new Uri(probe ?? Address, "/alive"), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException
            || (exception is OperationCanceledException && !TestContext.Current.CancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
