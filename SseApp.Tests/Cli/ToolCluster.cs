namespace SseApp.Tests.Cli;

/// <summary>A gateway and two replicas, in this process, for all tests of a class; started by the first one that asks.</summary>
public sealed class ToolCluster : IAsyncDisposable
{
    private readonly string _prefix = Guid.NewGuid().ToString("N");
    private readonly RedisServer _redis = new();
    private SupervisedReplicas? _replicas;
    private GatewayHost? _gateway;

    internal GatewayHost Gateway => _gateway!;

    /// <summary>What an operator has in the environment, with the key in a file.</summary>
    internal Dictionary<string, string> Variables => new(StringComparer.Ordinal)
    {
        ["SSE_ADMIN_URL"] = Gateway.Admin.BaseAddress!.AbsoluteUri,
        ["SSE_ADMIN_KEY_FILE"] = OperatorAccess.Key.File,
        ["SSE_URL"] = Gateway.Address.AbsoluteUri,
    };

    internal async Task StartAsync()
    {
        await _redis.RequireAsync();
        if (_gateway is null)
        {
            _replicas = await SupervisedReplicas.StartAsync(2, () => EventsHost.StartAsync(
                _redis, _prefix, ("ReplicaRegistry:HeartbeatInterval", "00:00:00.100"), ("Streaming:RetryMin", "00:00:00.200"), ("Streaming:RetryMax", "00:00:00.400")));
            _gateway = await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
            {
                ["ConnectionStrings:redis"] = _redis.ConnectionString,
                ["Cluster:KeyPrefix"] = _prefix,
            });
        }

        await Eventually.Async(
            async () => (await Gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/replicas", TestContext.Current.CancellationToken)).EnumerateArray()
                .Count(replica => replica.GetProperty("state").GetString() == "ready" && replica.GetProperty("health").GetString() == "healthy") == 2,
            TimeSpan.FromSeconds(30),
            "two replicas to be healthy");
    }

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        if (_replicas is not null)
        {
            await _replicas.DisposeAsync();
        }

        await _redis.DisposeAsync();
    }
}
