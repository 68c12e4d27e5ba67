using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Watches how full Redis is. A full server loses logs: a Redis with an eviction policy, and a Garnet, drop what was used
/// longest ago, however idle. So no event is sent to one that might become full by it. Between two looks a process
/// knows what it sent itself; when that is an eighth of the room that was left, it looks again, and the others do the same.
/// The bytes of all logs (<c>TopicLog:MaxTotalBytes</c>) are the server's own count, too: it knows what expired, what was
/// trimmed and what other replicas published, and a publish costs nothing for it.
/// </summary>
internal sealed partial class RedisMemory : BackgroundService
{
    private const int Shares = 8;
    private const int OverShare = 16;

    // What an event takes beyond its bytes, and what the server's allocator rounds up.
    private const int BytesOfEvent = 512;
    private const int Expansion = 2;

    private static readonly TimeSpan s_answerLimit = TimeSpan.FromSeconds(2);

    private readonly IConnectionMultiplexer _redis;
    private readonly RedisMemoryOptions _options;
    private readonly long? _maxTotal;
    private readonly bool _strict;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisMemory> _logger;
    private readonly Lock _gate = new();
    private State _state = new(RedisMemoryReading.Unlimited, 0, 0);
    private Task? _looking;
    private long _begun;
    private long _ended;
    private bool _wasSafe;
    private string? _reportedProblem;
    private bool _reportedFull;
    private bool _reportedUnknown;

    public RedisMemory(
        IConnectionMultiplexer redis,
        IOptions<RedisMemoryOptions> options,
        IOptions<TopicLogBudget> budget,
        IHostEnvironment environment,
        TimeProvider time,
        SseMeter meter,
        ILogger<RedisMemory> logger)
    {
        _redis = redis;
        _options = options.Value;
        _maxTotal = budget.Value.MaxTotalBytes;
        _strict = !environment.IsDevelopment();
        _time = time;
        _logger = logger;
        meter.Meter.CreateObservableGauge(MetricNames.RedisMemoryUsed, () => Reading.Used, unit: "By", description: "Memory in use in the fullest Redis server that has a limit.");
        meter.Meter.CreateObservableGauge(MetricNames.RedisMemoryLimit, () => Reading.Limit, unit: "By", description: "Its limit; 0: none.");
        meter.Meter.CreateObservableGauge(MetricNames.StoredBytes, () => Reading.Stored, unit: "By", description: "Memory of what is kept in Redis, the topic logs above all.");
        meter.Meter.CreateObservableGauge(MetricNames.StoredLimit, () => Reading.StoredLimit, unit: "By", description: "What it may be (TopicLog:MaxTotalBytes); 0: no limit.");
    }

    /// <summary>What was read last.</summary>
    public RedisMemoryReading Reading => Volatile.Read(ref _state).Reading;

    /// <summary>Publishes are refused.</summary>
    public bool IsFull => Room(Reading) <= 0;

    /// <summary>It should be looked after before publishes are refused.</summary>
    public bool IsFilling => Reading is var reading && Math.Max(reading.Share, reading.StoredShare) >= _options.WarnAt;

    /// <summary>Why what was acknowledged is not safe on this server, and what mends that, or null.</summary>
    public string? Problem => ProblemOf(Reading);

    /// <summary>It is not safe, was not since the start, and nobody accepted it: what is known at the start keeps a service from starting.</summary>
    public bool IsRefused => _strict && !_wasSafe && Problem is not null;

    /// <summary>Asks for room for events that are sent next; each such question is followed by one <see cref="End"/>.</summary>
    /// <returns>Why there is none, or null.</returns>
    public ValueTask<RedisFullException?> BeginAsync(long bytes)
    {
        var begun = Interlocked.Add(ref _begun, bytes);
        var state = Volatile.Read(ref _state);
        var room = Room(state.Reading);
        return room == long.MaxValue || begun - state.Ended <= room / Shares
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

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // A server that is not there yet is looked at when it comes.
        await LookAsync();
        if (IsRefused)
        {
            throw new OptionsValidationException(Options.DefaultName, typeof(RedisMemoryOptions), [Problem!]);
        }

        await base.StartAsync(cancellationToken);
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

    private long Room(RedisMemoryReading reading) => Math.Min(
        reading.Limit > 0 ? Bound(reading) - reading.Used : long.MaxValue,
        reading.StoredLimit > 0 ? reading.StoredLimit - reading.Stored : long.MaxValue);

    private string? ProblemOf(RedisMemoryReading reading) =>
        reading.Policy is { } policy && !_options.AllowEviction
            ? $"Redis has the maxmemory-policy {policy}: when it is full, it drops topic logs and other keys of the cluster, and events that were acknowledged are lost. "
                + "Run 'redis-cli CONFIG SET maxmemory-policy noeviction' and set the same in its configuration, "
                + $"or accept it with {RedisMemoryOptions.SectionName}:{nameof(RedisMemoryOptions.AllowEviction)}=true."
            : reading.IsUnbounded && !_options.AllowNoLimit
                ? "Redis has no maxmemory: it grows until the system ends it, and what it has only in memory is lost. "
                    + "Run 'redis-cli CONFIG SET maxmemory 512mb' and 'redis-cli CONFIG SET maxmemory-policy noeviction' (with the size that it may have) and set the same in its configuration, "
                    + $"or accept it with {RedisMemoryOptions.SectionName}:{nameof(RedisMemoryOptions.AllowNoLimit)}=true."
                : null;

    private async ValueTask<RedisFullException?> LookAsync(State before, long bytes)
    {
        // Of a full server every publish would ask; that it has room again is known soon enough.
        if (Room(before.Reading) > 0 || _time.GetElapsedTime(before.At) >= _options.CheckInterval)
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
        if (reading.Limit > 0 && (reading.Used >= Bound(reading) || reading.Used + pending > last))
        {
            return new RedisFullException(reading, ofLogs: reading.StoredShare >= 1);
        }

        // Beyond this bound the server has room: as much more as a replica may have on its way, and a sixteenth at most.
        return reading.StoredLimit > 0 && (reading.Stored >= reading.StoredLimit || reading.Stored + pending > reading.StoredLimit + (reading.StoredLimit / OverShare))
            ? new RedisFullException(reading, ofLogs: true)
            : null;
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
            if (readings.Length == 0)
            {
                return;
            }

            var reading = Combine(readings);
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

    private RedisMemoryReading Combine(RedisMemoryReading[] readings)
    {
        // One that evicts or has no limit is to be reported although another one is fuller.
        var reading = Array.Find(readings, other => other.IsUnbounded) ?? readings.MaxBy(reading => reading.Share)!;
        return reading with
        {
            Policy = Array.Find(readings, other => other.Policy is not null)?.Policy,
            Stored = readings.Sum(other => other.Stored),
            StoredLimit = _maxTotal ?? (reading.IsUnbounded ? 0 : readings.Sum(other => other.StoredLimit)),
        };
    }

    private static async Task<RedisMemoryReading> ReadAsync(IServer server)
    {
        try
        {
            return RedisMemoryReading.OfRedis(await InfoAsync(server, "memory")) ?? RedisMemoryReading.OfGarnet(await InfoAsync(server, "store"));
        }
        catch (RedisServerException)
        {
            // A managed server may allow the one and not the other.
            var answer = (RedisResult[]?)await server.ExecuteAsync("CONFIG", "GET", "maxmemory*") ?? [];
            return RedisMemoryReading.OfConfiguration(answer.Chunk(2).Where(pair => pair.Length == 2).Select(pair => KeyValuePair.Create((string)pair[0]!, (string)pair[1]!)))
                ?? RedisMemoryReading.Unlimited;
        }
    }

    // The client's own method wants a connection that may also stop the server (allowAdmin).
    private static async Task<string> InfoAsync(IServer server, string section) => (string?)await server.ExecuteAsync("INFO", section) ?? "";

    private void Report(RedisMemoryReading reading)
    {
        if (!reading.IsKnown && !_reportedUnknown)
        {
            _reportedUnknown = true;
            LogUnknown("INFO has no maxmemory.");
        }

        var problem = ProblemOf(reading);
        _wasSafe |= problem is null;
        if (problem != _reportedProblem)
        {
            _reportedProblem = problem;
            if (problem is not null)
            {
                LogProblem(problem);
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

    [LoggerMessage(LogLevel.Warning, "{Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(LogLevel.Error, "{Fullness}; publishes are refused with 507. {Remedy}.")]
    private partial void LogFull(string fullness, string remedy);

    [LoggerMessage(LogLevel.Information, "{Fullness}; publishes are accepted again.")]
    private partial void LogRoom(string fullness);

    [LoggerMessage(LogLevel.Warning, "How full Redis is, and what it does when it is full, cannot be read, so publishes are not refused before it is: {Reason} Allow the command INFO; see to it that the server has a maxmemory and the maxmemory-policy noeviction.")]
    private partial void LogUnknown(string reason);

    /// <summary>A reading, the bytes whose sending had ended before it, and when it was made.</summary>
    private sealed record State(RedisMemoryReading Reading, long Ended, long At);
}
