using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>Whether Redis is reachable now, and since when it is not.</summary>
internal sealed partial class RedisStatus : IDisposable
{
    private readonly IConnectionMultiplexer _redis;
    private readonly RedisFailures _failures;
    private readonly TimeProvider _time;
    private long _lastSeen;
    private volatile bool _seen;

    public RedisStatus(IConnectionMultiplexer redis, RedisFailures failures, TimeProvider time, SseMeter meter, ILogger<RedisStatus> logger)
    {
        _redis = redis;
        _failures = failures;
        _time = time;
        meter.Meter.CreateObservableGauge(MetricNames.RedisUp, () => IsConnected ? 1 : 0, description: "1 while Redis is reachable, else 0.");
        if (!IsConnected)
        {
            LogAway(logger, string.Join(", ", redis.GetEndPoints(configuredOnly: true).Select(static server => EndPointCollection.ToString(server))));
        }

        redis.ConnectionRestored += OnRestored;
    }

    /// <summary>The connection multiplexer's own view; it notices a lost connection at once, a hanging server later.</summary>
    public bool IsConnected => _redis.IsConnected;

    /// <summary>False while only commands have a connection: what is announced does not arrive.</summary>
    public bool IsSubscribed => _redis.GetSubscriber().IsConnected();

    /// <summary>There is no connection because a server does not take the user or password.</summary>
    public bool IsRefused => !IsConnected && _failures.IsRefused;

    /// <summary>Why the server that answers stores nothing, as its last answer to a ping had it, or null.</summary>
    public string? StoresNothing { get; private set; }

    /// <summary>Null when Redis never answered since the process began.</summary>
    internal TimeSpan? TimeSinceLastAnswer => _seen ? _time.GetElapsedTime(Volatile.Read(ref _lastSeen)) : null;

    internal async Task<TimeSpan> PingAsync(CancellationToken cancellationToken)
    {
        var asked = _time.GetTimestamp();
        TimeSpan latency;
        try
        {
            latency = await _redis.GetDatabase().PingAsync().WaitAsync(cancellationToken);
            StoresNothing = null;
        }
        // A server that cannot write to its disk refuses even this: it is there, and reads go on.
        catch (RedisServerException exception) when (RedisErrors.IsWithoutDisk(exception))
        {
            latency = _time.GetElapsedTime(asked);
            StoresNothing = RedisErrors.StoresNothing(exception.Message);
        }

        Seen();
        return latency;
    }

    /// <summary>It has answered: an outage begins later than that, whoever asks for it and however rarely.</summary>
    internal void Seen()
    {
        Volatile.Write(ref _lastSeen, _time.GetTimestamp());
        _seen = true;
    }

    public void Dispose() => _redis.ConnectionRestored -= OnRestored;

    private void OnRestored(object? sender, ConnectionFailedEventArgs e) => _failures.Clear(e.EndPoint);

    [LoggerMessage(LogLevel.Warning, "Redis does not answer at {Servers}. The service starts without it, /health is unhealthy until it answers, and connecting goes on.")]
    private static partial void LogAway(ILogger logger, string servers);
}
