namespace SseApp.Tests.Infrastructure;

/// <summary>Replicas and a gateway as processes, on a Redis of the test.</summary>
internal sealed class ServiceCluster : IAsyncDisposable
{
    private const string Nowhere = "http://127.0.0.1:9";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static readonly (string Key, string Value)[] s_shortTimes =
    [
        // Clients reconnect soon, so that a fault of ten seconds is met many times.
        ("Streaming:RetryMin", "00:00:00.200"),
        ("Streaming:RetryMax", "00:00:01"),
        ("Refusals:MinRetry", "00:00:00.200"),
        ("Refusals:MaxRetry", "00:00:01"),
        // All clients have one address.
        ("Limits:StreamsPerAddress", "0"),
        ("Limits:ConnectsPerSecond", "0"),
        ("Limits:EventsPerSecond", "0"),
        ("Limits:StoredBytesPerSecond", "0"),
        ("Limits:ReadsPerSecond", "0"),
        ("Limits:ReadsAtOnce", "0"),
        ("Limits:TopicsPerAddress", "0"),
    ];

    private readonly List<TcpPipe> _pipes = [];
    private readonly List<ServiceProcess> _replicas = [];
    private readonly ServiceClusterOptions _options;
    private readonly Dictionary<string, string> _environment;
    private readonly ServiceProcess _gateway;
    private readonly HttpClient _operator;

    private ServiceCluster(string redis, ServiceClusterOptions options)
    {
        _options = options;
        _environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = redis,
            ["Cluster__KeyPrefix"] = Prefix,
            // As on a company's servers: what the parts of a cluster ask each other is none of a proxy's business, and this one is not there.
            ["http_proxy"] = Nowhere,
            ["https_proxy"] = Nowhere,
            ["all_proxy"] = Nowhere,
        };
        foreach (var (key, value) in (options.ShortTimes ? s_shortTimes : []).Concat(options.Settings))
        {
            _environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        for (var i = 0; i < options.Replicas; i++)
        {
            var own = new Dictionary<string, string>(_environment, StringComparer.Ordinal);
            if (options.Piped)
            {
                var pipe = new TcpPipe();
                _pipes.Add(pipe);
                own["Replica__AdvertisedAddress"] = pipe.Address.AbsoluteUri;
            }

            _replicas.Add(new ServiceProcess($"r{i}", "SseApp.Events", own, quickStart: options.QuickStart, files: options.Files));
            if (options.Piped)
            {
                _pipes[i].Target = _replicas[i].Address;
            }
        }

        _gateway = new ServiceProcess("gateway", "SseApp.Gateway", _environment, options.GatewayAddresses, options.QuickStart, options.Files);
        _operator = OperatorAccess.Client(_gateway.Admin, timeout: TimeSpan.FromSeconds(100));
    }

    public IReadOnlyList<ServiceProcess> Replicas => _replicas;

    /// <summary>Of the keys of the log and the registry.</summary>
    public string Prefix { get; } = Guid.NewGuid().ToString("N");

    /// <summary>What stands before each replica; none unless asked for.</summary>
    public IReadOnlyList<TcpPipe> Pipes => _pipes;

    public ServiceProcess Gateway => _gateway;

    /// <summary>Starts everything and waits until the gateway finds all replicas healthy.</summary>
    public static async Task<ServiceCluster> StartAsync(BackplaneServer redis, ServiceClusterOptions? options = null)
    {
        await redis.RequireAsync();
        var cluster = new ServiceCluster(redis.ConnectionString, options ?? new ServiceClusterOptions());
        try
        {
            await Task.WhenAll(cluster._replicas.Append(cluster._gateway).Select(service => service.StartAsync()));
            await cluster.HealthyAsync(cluster._replicas.Count);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// As after its start, whatever happened to it: replicas that were added end, what has ended starts again, and the gateway
    /// finds those of the start healthy and knows no others.
    /// </summary>
    public async Task RestoreAsync()
    {
        foreach (var added in _replicas.Skip(_options.Replicas))
        {
            await added.DisposeAsync();
        }

        _replicas.RemoveRange(_options.Replicas, _replicas.Count - _options.Replicas);
        await Task.WhenAll(_replicas.Append(_gateway).Where(service => service.Process.HasExited).Select(service => service.StartAsync()));
        await Eventually.Async(async () => (await ListAsync()).Count == _replicas.Count, s_limit, $"the gateway to know only {_replicas.Count} replicas");
        await HealthyAsync(_replicas.Count);
    }

    /// <summary>One more replica, not started yet.</summary>
    public ServiceProcess Add(string name)
    {
        _replicas.Add(new ServiceProcess(name, "SseApp.Events", _environment, quickStart: _options.QuickStart));
        return _replicas[^1];
    }

    /// <summary>What the gateway's operator API says of each replica.</summary>
    public async Task<IReadOnlyList<JsonElement>> ListAsync() =>
        [.. (await _operator.GetFromJsonAsync<JsonElement>("/admin/replicas", TestContext.Current.CancellationToken)).EnumerateArray()];

    /// <summary>Waits until the gateway finds so many replicas healthy.</summary>
    public Task HealthyAsync(int count) => Eventually.Async(
        async () => (await ListAsync()).Count(replica => replica.GetProperty("health").GetString() == "healthy") == count,
        s_limit,
        $"the gateway to find {count} healthy replicas");

    public async ValueTask DisposeAsync()
    {
        _operator.Dispose();
        await _gateway.DisposeAsync();
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        foreach (var pipe in _pipes)
        {
            await pipe.DisposeAsync();
        }
    }
}

/// <summary>How a <see cref="ServiceCluster"/> is made.</summary>
internal sealed record ServiceClusterOptions
{
    public int Replicas { get; init; } = 3;

    /// <summary>Gateways reach each replica through a <see cref="TcpPipe"/>.</summary>
    public bool Piped { get; init; }

    /// <summary>Addresses that the gateway listens on: 127.0.0.1, 127.0.0.2, ….</summary>
    public int GatewayAddresses { get; init; } = 1;

    /// <summary>False: every time is the default, as users have it, and so are the limits of an address.</summary>
    public bool ShortTimes { get; init; } = true;

    /// <summary>False where the memory or the speed of the services is measured: they have the runtime settings that they are shipped with.</summary>
    public bool QuickStart { get; init; } = true;

    /// <summary>Limit of open files of each process, and how many of them others have taken; null: as the tests have it.</summary>
    public (int Limit, int Taken)? Files { get; init; }

    /// <summary>Configuration of all services.</summary>
    public (string Key, string Value)[] Settings { get; init; } = [];
}
