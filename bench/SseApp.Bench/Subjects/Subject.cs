using System.Net.Sockets;

namespace SseApp.Bench.Subjects;

/// <summary>
/// One server, or stack of servers, that the bench starts, loads and stops; here is what they share: their processes, a
/// Redis, and waiting for ports.
/// </summary>
internal abstract class Subject(Workspace workspace, string? cores) : IDisposable
{
    private const string RedisSuffix = ".redis";

    // How each process was started, to start it again.
    private readonly Dictionary<ServerProcess, Start> _starts = [];
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(2) };

    /// <summary>Short and stable; <c>--subjects</c> takes it.</summary>
    public abstract string Name { get; }

    /// <summary>What it consists of, for the report.</summary>
    public abstract string Description { get; }

    /// <summary>True for the product: any loss, duplicate or reordering fails the run.</summary>
    public virtual bool IsOurs => false;

    /// <summary>A proxy stands in front, which holds two sockets a stream.</summary>
    public virtual bool Proxied => false;

    /// <summary>Of interest only where proxies are compared.</summary>
    public virtual bool OnlyBehindProxy => false;

    /// <summary>Not a server but a part of ours, for what single publishes cannot do without; of interest only where those are measured.</summary>
    public virtual bool IsPart => false;

    /// <summary>It can be reached over TLS and HTTP/2.</summary>
    public virtual bool CanSpeakTls => false;

    /// <summary>A worker can be killed and something restarts it.</summary>
    public virtual bool CanLoseWorker => true;

    /// <summary>What was published is gone after a restart.</summary>
    public virtual bool ForgetsOnRestart => false;

    protected Workspace Workspace => workspace;

    protected string? Cores => cores;

    protected List<ServerProcess> Running { get; } = [];

    /// <summary>How to install what is missing, or null when it can run.</summary>
    public abstract string? Missing();

    /// <exception cref="BenchException">It cannot run here.</exception>
    public void Require()
    {
        if (Missing() is { } missing)
        {
            throw new BenchException(missing);
        }
    }

    /// <param name="workers">Worker processes (replicas): one for throughput, two where one is killed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public abstract Task<Target> StartAsync(int workers, CancellationToken cancellationToken);

    /// <summary>The processes whose CPU time and memory count, with all that they started.</summary>
    public ProcessTree Processes() => ProcessTree.Of(ProcessIds());

    /// <summary>Of what was started; with what those started it is all.</summary>
    public int[] ProcessIds() => [.. Running.Select(process => process.Id)];

    /// <summary>Kills (SIGKILL) one worker; its supervisor restarts it.</summary>
    public virtual Task KillWorkerAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Kills (SIGKILL) processes and what they started, and starts them again as they were.</summary>
    /// <param name="which">By their names; null: all but Redis.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>When they were killed, and when the last of them was ready, as in <see cref="Payload.Now"/>.</returns>
    public async Task<(long KilledAt, long ReadyAt)> RestartAsync(Predicate<string>? which, CancellationToken cancellationToken)
    {
        var chosen = Running.FindAll(process => which?.Invoke(process.Name) ?? !process.Name.EndsWith(RedisSuffix, StringComparison.Ordinal));
        var killedAt = Payload.Now;
        foreach (var process in chosen)
        {
            Running.Remove(process);
            await process.StopAsync(Libc.Kill);
        }

        foreach (var process in chosen)
        {
            _starts.Remove(process, out var start);
            await StartAsync(process.Name, start!.Command, start.Ready, cancellationToken, start.Environment);
        }

        return (killedAt, Payload.Now);
    }

    public async Task StopAsync()
    {
        // What was started last depends on the rest.
        for (var i = Running.Count - 1; i >= 0; i--)
        {
            await Running[i].StopAsync();
        }

        Running.Clear();
        _starts.Clear();
    }

    public void Dispose() => _client.Dispose();

    protected string RedisDescription => workspace.UseGarnet ? "Garnet" : "redis-server";

    protected string? RedisMissing => workspace.UseGarnet && Workspace.GarnetPath is null
        ? "Redis: apt-get install redis-server, or build with Garnet" : null;

    /// <summary>An empty Redis without persistence, the same for every subject.</summary>
    protected async Task<int> StartRedisAsync(CancellationToken cancellationToken)
    {
        var port = Workspace.FreePort();
        var name = Name + RedisSuffix;
        var data = workspace.FreshDirectory(name);
        string[] command = workspace.UseGarnet
            ? ["dotnet", Workspace.GarnetPath!, "--port", $"{port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--memory", "512m", "--checkpointdir", data]
            : [Workspace.Find("redis-server")!, "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", data];
        // As the AppHost starts Garnet; redis-server does not look at them.
        await StartAsync(
            name, command, Listening(port), cancellationToken, ("DOTNET_gcServer", "0"), ("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0"));
        return port;
    }

    protected async Task<ServerProcess> StartAsync(
        string name,
        IEnumerable<string> command,
        Func<CancellationToken, Task<bool>> ready,
        CancellationToken cancellationToken,
        params IEnumerable<(string Name, string Value)> environment)
    {
        var start = new Start([.. command], ready, [.. environment]);
        var process = ServerProcess.Start(workspace, name, cores, start.Command, start.Environment);
        _starts[process] = start;
        Running.Add(process);
        await process.WaitReadyAsync(ready, cancellationToken);
        return process;
    }

    /// <summary>Starts one of the repository's services, and waits until it is healthy.</summary>
    /// <param name="name">Of the process, within this subject.</param>
    /// <param name="project">Of the service.</param>
    /// <param name="port">That it is told to listen on.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="environment">Its settings.</param>
    protected Task<ServerProcess> StartServiceAsync(string name, string project, int port, CancellationToken cancellationToken, params IEnumerable<(string Name, string Value)> environment) =>
        StartAsync($"{Name}.{name}", ["dotnet", workspace.Assembly(project)], Healthy(port), cancellationToken, environment);

    protected static Func<CancellationToken, Task<bool>> Listening(int port) => async cancellationToken =>
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    };

    protected Func<CancellationToken, Task<bool>> Healthy(int port) => Answers(HttpMethod.Get, $"http://127.0.0.1:{port}/health");

    protected Func<CancellationToken, Task<bool>> Publishes(int port) => Answers(HttpMethod.Post, $"http://127.0.0.1:{port}/publish?topic=ready");

    private Func<CancellationToken, Task<bool>> Answers(HttpMethod method, string address) => async cancellationToken =>
    {
        try
        {
            using var request = new HttpRequestMessage(method, address) { Content = method == HttpMethod.Post ? new StringContent("ready") : null };
            using var answer = await _client.SendAsync(request, cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    };

    private sealed record Start(string[] Command, Func<CancellationToken, Task<bool>> Ready, (string Name, string Value)[] Environment);
}
