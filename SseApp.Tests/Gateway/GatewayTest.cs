namespace SseApp.Tests.Gateway;

/// <summary>Owns a registry and the hosts that a test starts.</summary>
public abstract class GatewayTest : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned = [];

    internal InMemoryReplicaRegistry Registry { get; } = new();

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal async Task<OriginHost> OriginAsync(string id, Func<ReplicaRecord, ReplicaRecord>? register = null)
    {
        var origin = await OriginHost.StartAsync(id);
        _owned.Add(origin);
        await Registry.WriteAsync((register ?? (record => record))(origin.Record), announce: true, Cancellation);
        return origin;
    }

    /// <summary>A replica that answers everything but streams and probes as the test says.</summary>
    internal async Task HandlingOriginAsync(string id, RequestDelegate handler)
    {
        var origin = Own(await OriginHost.StartAsync(id, handler));
        await Registry.WriteAsync(origin.Record, announce: true, Cancellation);
    }

    internal async Task<TcpOrigin> TcpOriginAsync(string id, Func<Socket, CancellationToken, Task> answer)
    {
        var origin = TcpOrigin.Start(answer);
        _owned.Add(origin);
        await Registry.WriteAsync(origin.Record(id), announce: true, Cancellation);
        return origin;
    }

    /// <summary>A replica that takes relay connections and does on each what the test says.</summary>
    internal async Task<TcpOrigin> RelayOriginAsync(string id, Func<NetworkStream, RelayOutput, CancellationToken, Task> serve)
    {
        var origin = Own(TcpOrigin.Start(async (socket, cancellation) =>
        {
            await using var stream = await RelayOrigin.AcceptAsync(socket, cancellation);
            try
            {
                await serve(stream, new RelayOutput(stream, long.MaxValue), cancellation);
            }
            catch (Exception exception) when (exception is IOException or EndOfStreamException)
            {
                // The gateway ended the connection.
            }
        }));
        await Registry.WriteAsync(origin.Record(id) with { Relay = RelayProtocol.Version }, announce: true, Cancellation);
        return origin;
    }

    internal Task<GatewayHost> GatewayAsync(params (string Key, string Value)[] settings) => GatewayAsync(null, settings);

    internal async Task<GatewayHost> GatewayAsync(TimeProvider? time, params (string Key, string Value)[] settings)
    {
        var gateway = await GatewayHost.StartAsync(
            Registry,
            settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value, StringComparer.OrdinalIgnoreCase),
            time: time);
        _owned.Add(gateway);
        return gateway;
    }

    /// <summary>A gateway of the cluster whose keys begin with <paramref name="prefix"/>, once it routes to so many replicas.</summary>
    internal async Task<GatewayHost> GatewayOnRedisAsync(BackplaneServer redis, string prefix, int replicas, params IEnumerable<(string Key, string Value)> settings)
    {
        await redis.RequireAsync();
        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(
            settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)), StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = prefix,
        }));
        await UntilAsync(() => gateway.AvailableReplicas() == replicas, $"{replicas} replicas to be routed to");
        return gateway;
    }

    /// <summary>Settings of a service of section ReverseProxy behind <c>/other</c>.</summary>
    internal static (string Key, string Value)[] OtherService(OriginHost service) =>
    [
        ("ReverseProxy:Routes:other:ClusterId", "other"),
        ("ReverseProxy:Routes:other:Match:Path", "/other/{**rest}"),
        ("ReverseProxy:Clusters:other:Destinations:s1:Address", service.Address.AbsoluteUri),
    ];

    internal T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    internal static Task UntilAsync(Func<bool> condition, string awaited) =>
        Eventually.Async(condition, TimeSpan.FromSeconds(30), awaited);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);

        // Gateways before the origins they hold connections to.
        foreach (var owned in _owned.OrderByDescending(owned => owned is GatewayHost))
        {
            await owned.DisposeAsync();
        }

        await DisposeOwnAsync();
    }

    /// <summary>Called after the hosts are gone.</summary>
    protected virtual ValueTask DisposeOwnAsync() => default;
}
