using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Watches how full Redis is. A full server loses logs: a Redis with an eviction policy, and a Garnet, drop what was used
/// longest ago, however idle. So no event is sent to one that might become full by it. Between two looks a process
/// knows what it sent itself; when that is an eighth of the room that was left, it looks again, and the others do the same.
/// </summary>
internal sealed partial class RedisMemory : BackgroundService
{
    private const int Shares = 8;

    // What an event takes beyond its bytes, and what the server's allocator rounds up.
    private const int BytesOfEvent = 512;
    private const int Expansion = 2;

    private static readonly TimeSpan s_answerLimit = TimeSpan.FromSeconds(2);

    private readonly IConnectionMultiplexer _redis;
    private readonly RedisMemoryOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisMemory> _logger;
    private readonly Lock _gate = new();
    private State _state = new(RedisMemoryReading.Unlimited, 0, 0);
    private Task? _looking;
    private long _begun;
    private long _ended;
    private string? _reportedPolicy;
    private bool _reportedFull;
    private bool _reportedUnknown;

    public RedisMemory(IConnectionMultiplexer redis, IOptions<RedisMemoryOptions> options, TimeProvider time, SseMeter meter, ILogger<RedisMemory> logger)
    {
        _redis = redis;
        _options = options.Value;
        _time = time;
        _logger = logger;
        meter.Meter.CreateObservableGauge(MetricNames.RedisMemoryUsed, () => Reading.Used, unit: "By", description: "Memory in use in the fullest Redis server that has a limit.");
        meter.Meter.CreateObservableGauge(MetricNames.RedisMemoryLimit, () => Reading.Limit, unit: "By", description: "Its limit; 0: none.");
    }

    /// <summary>What was read last.</summary>
    public RedisMemoryReading Reading => Volatile.Read(ref _state).Reading;

    /// <summary>Publishes are refused.</summary>
    public bool IsFull => Reading is { Limit: > 0 } reading && reading.Used >= Bound(reading);

    /// <summary>It should be looked after before publishes are refused.</summary>
    public bool IsFilling => Reading is { Limit: > 0 } reading && reading.Share >= _options.WarnAt;

    /// <summary>Asks for room for events that are sent next; each such question is followed by one <see cref="End"/>.</summary>
    /// <returns>The reading by which there is none, or null.</returns>
    public ValueTask<RedisMemoryReading?> BeginAsync(long bytes)
    {
        var begun = Interlocked.Add(ref _begun, bytes);
        var state = Volatile.Read(ref _state);
        return state.Reading.Limit == 0 || begun - state.Ended <= (Bound(state.Reading) - state.Reading.Used) / Shares
            ? default
            : LookAsync(state, bytes);
    }

    /// <summary>The events are stored, or not; their memory is in every later reading.</summary>
    public void End(long bytes) => Interlocked.Add(ref _ended, bytes);

    /// <summary>What such events take in the server, at most.</summary>
    public static long Cost(int events, long bytes) => (bytes * Expansion) + ((long)events * BytesOfEvent);

    /// <summary>Reads the servers now.</summary>
    internal Task LookAsync()
    {
        lock (_gate)
        {
            return _looking is { IsCompleted: false } looking ? looking : _looking = ReadAsync();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_options.CheckInterval, _time);
        try
        {
            do
            {
                await LookAsync();
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private long Bound(RedisMemoryReading reading) => (long)(reading.Limit * _options.RefuseAt);

    private async ValueTask<RedisMemoryReading?> LookAsync(State before, long bytes)
    {
        // Of a full server every publish would ask; that it has room again is known soon enough.
        if (before.Reading.Used < Bound(before.Reading) || _time.GetElapsedTime(before.At) >= _options.CheckInterval)
        {
            await LookAsync();
            if (ReferenceEquals(Volatile.Read(ref _state), before))
            {
                // It was under way already when this began, or failed.
                await LookAsync();
            }
        }

        var state = Volatile.Read(ref _state);
        var pending = Math.Max(Interlocked.Read(ref _begun) - state.Ended, bytes);
        var reading = state.Reading;
        // What is on its way may take half of what is left beyond the bound; the other half is for other replicas.
        var last = Bound(reading) + ((reading.Limit - Bound(reading)) / 2);
        return reading.Limit == 0 || (!IsFull && reading.Used + pending <= last) ? null : reading;
    }

    private async Task ReadAsync()
    {
        try
        {
            if (!_redis.IsConnected)
            {
                return;
            }

            // What ends from here on may not be in the answer.
            var ended = Interlocked.Read(ref _ended);
            var servers = _redis.GetServers().Where(server => server is { IsConnected: true, IsReplica: false });
            var readings = await Task.WhenAll(servers.Select(ReadAsync)).WaitAsync(s_answerLimit, TimeProvider.System);
            var reading = readings.MaxBy(reading => reading.Share) ?? RedisMemoryReading.Unlimited;
            // One that evicts is to be reported although another one is fuller.
            reading = reading with { Policy = Array.Find(readings, other => other.Policy is not null)?.Policy };
            Volatile.Write(ref _state, new State(reading, ended, _time.GetTimestamp()));
            Report(reading);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // An outage is reported elsewhere; a user without the right to INFO is not.
            if (exception is RedisServerException or RedisCommandException && !_reportedUnknown)
            {
                _reportedUnknown = true;
                LogUnknown(exception.Message);
            }
        }
    }

    private static async Task<RedisMemoryReading> ReadAsync(IServer server) =>
        RedisMemoryReading.OfRedis(await InfoAsync(server, "memory")) ?? RedisMemoryReading.OfGarnet(await InfoAsync(server, "store"));

    // The client's own method wants a connection that may also stop the server (allowAdmin).
    private static async Task<string> InfoAsync(IServer server, string section) => (string?)await server.ExecuteAsync("INFO", section) ?? "";

    private void Report(RedisMemoryReading reading)
    {
        if (reading.Policy != _reportedPolicy)
        {
            _reportedPolicy = reading.Policy;
            if (reading.Policy is not null)
            {
                LogEvicts(reading.Policy);
            }
        }

        if (IsFull != _reportedFull)
        {
            _reportedFull = IsFull;
            if (_reportedFull)
            {
                LogFull(reading.Fullness, reading.Remedy);
            }
            else
            {
                LogRoom(reading.Fullness);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Redis has the maxmemory-policy {Policy}: when it is full, it drops topic logs and other keys of the cluster. Set maxmemory-policy to noeviction.")]
    private partial void LogEvicts(string policy);

    [LoggerMessage(LogLevel.Error, "The server of the topic logs is {Fullness}; publishes are refused with 507. {Remedy}.")]
    private partial void LogFull(string fullness, string remedy);

    [LoggerMessage(LogLevel.Information, "The server of the topic logs is {Fullness}; it takes publishes again.")]
    private partial void LogRoom(string fullness);

    [LoggerMessage(LogLevel.Warning, "How full Redis is cannot be read, so publishes are not refused before it is full: {Reason} Allow the command INFO.")]
    private partial void LogUnknown(string reason);

    /// <summary>A reading, the bytes whose sending had ended before it, and when it was made.</summary>
    private sealed record State(RedisMemoryReading Reading, long Ended, long At);
}
