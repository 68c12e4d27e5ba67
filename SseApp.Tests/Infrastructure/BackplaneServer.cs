using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// A real server that speaks the Redis protocol, on a free port, started when a test first asks for it. Where it cannot
/// run the test is skipped and says why.
/// </summary>
public abstract class BackplaneServer : IAsyncDisposable
{
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private ChildProcess? _process;
    private string? _skipReason;

    /// <exception cref="InvalidOperationException">The server was not started yet, so it has none: what is told to connect there would never do so.</exception>
    public int Port
    {
        get => field == 0 ? throw new InvalidOperationException($"The server has no port before {nameof(RequireAsync)}.") : field;
        private set;
    }

    public virtual string ConnectionString => $"127.0.0.1:{Port},abortConnect=false,connectTimeout=2000";

    /// <summary>Starts the server unless it runs already.</summary>
    public async Task RequireAsync()
    {
        await _gate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_skipReason is null && _process is null or { HasExited: true })
            {
                Port = _process is null ? Ports.Next() : Port;
                _skipReason = await StartAsync() ?? await AfterStartAsync();
            }
        }
        finally
        {
            _gate.Release();
        }

        if (_skipReason is not null)
        {
            Assert.Skip(_skipReason);
        }
    }

    public async Task<ConnectionMultiplexer> ConnectAsync()
    {
        await RequireAsync();
        return await ConnectionMultiplexer.ConnectAsync(ConnectionString);
    }

    /// <summary>Ends the server the hard way; <see cref="RequireAsync"/> starts it again on the same port, empty.</summary>
    public async Task KillAsync()
    {
        if (_process is not null)
        {
            await _process.KillAsync();
        }
    }

    /// <summary>Lets the server hang (SIGSTOP): connections stay open and nothing answers.</summary>
    public void Freeze() => Running.Freeze();

    public void Thaw() => Running.Thaw();

    private ChildProcess Running => _process ?? throw new InvalidOperationException("The server was not started.");

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _gate.Dispose();
        await CleanUpAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>How to start it, or null with the reason why it cannot be.</summary>
    protected abstract (ProcessStartInfo? Start, string? SkipReason) Prepare(int port);

    /// <summary>The full path of a program, or null if it is not installed.</summary>
    internal static string? FindOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>How Debian's <c>redis-server</c>, or any other on the PATH, is started.</summary>
    private protected static (ProcessStartInfo? Start, string? SkipReason) Redis(IEnumerable<string> arguments) => FindOnPath("redis-server") is { } path
        ? (new ProcessStartInfo(path, arguments), null)
        : (null, "redis-server is not installed (apt-get install redis-server).");

    /// <summary>What the server needs besides itself, each time it was started; answers why that is not possible, or null.</summary>
    protected virtual Task<string?> AfterStartAsync() => Task.FromResult<string?>(null);

    /// <summary>Removes what the server leaves behind.</summary>
    protected virtual ValueTask CleanUpAsync() => ValueTask.CompletedTask;

    private async Task<string?> StartAsync()
    {
        var (start, reason) = Prepare(Port);
        if (start is null)
        {
            return reason;
        }

        _process = ChildProcess.Start(start);
        try
        {
            await Eventually.Async(AnswersAsync, s_startLimit, $"an answer of {start.FileName} on port {Port}");
            return null;
        }
        catch (TimeoutException exception)
        {
            await KillAsync();
            return $"{exception.Message} It printed: {_process.Tail()}";
        }
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            var stream = client.GetStream();
            await stream.WriteAsync("PING\r\n"u8.ToArray());
            var answer = new byte[7];
            await stream.ReadExactlyAsync(answer);
            return answer.AsSpan().SequenceEqual("+PONG\r\n"u8);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return false;
        }
    }
}
