using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>A primary, two replicas and three sentinels, two of which have to agree, with the settings of <c>deploy/compose</c>.</summary>
public sealed class RedisSentinelTrio : BackplaneServer
{
    private const string Service = "sseapp";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-primary-");
    private readonly RedisNode[] _replicas;
    private readonly RedisNode[] _sentinels;
    private bool _created;

    public RedisSentinelTrio()
    {
        _replicas = [.. Enumerable.Range(0, 2).Select(_ => new RedisNode((port, folder) => [.. Arguments(port, folder), "--replicaof", "127.0.0.1", $"{Port}"]))];
        _sentinels = [.. Enumerable.Range(0, 3).Select(_ => RedisNode.Sentinel(
            Service, () => Port, quorum: 2, ("down-after-milliseconds", 5_000), ("failover-timeout", 30_000), ("parallel-syncs", 1)))];
    }

    public override string ConnectionString =>
        $"{string.Join(',', _sentinels.Select(sentinel => $"127.0.0.1:{sentinel.Port}"))},serviceName={Service},abortConnect=false,connectTimeout=2000";

    /// <summary>Where the first sentinel takes the primary to be.</summary>
    public async Task<int> PrimaryAsync()
    {
        await using var sentinel = await ConnectionMultiplexer.SentinelConnectAsync($"127.0.0.1:{_sentinels[0].Port}");
        return await sentinel.GetServers()[0].SentinelGetMasterAddressByNameAsync(Service) is IPEndPoint primary ? primary.Port : 0;
    }

    /// <summary>Lets the sentinels make another server the primary while all are well, and nobody write meanwhile: see docs/redis.md.</summary>
    public async Task FailOverAsync()
    {
        var before = await PrimaryAsync();
        await using var primary = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{before}");
        await primary.GetServers()[0].ExecuteAsync("CLIENT", "PAUSE", 10_000, "WRITE");
        await using var sentinel = await ConnectionMultiplexer.SentinelConnectAsync($"127.0.0.1:{_sentinels[0].Port}");
        await sentinel.GetServers()[0].ExecuteAsync("SENTINEL", "FAILOVER", Service);
        await Eventually.Async(async () => await PrimaryAsync() != before, s_limit, "the sentinels to have another primary");
    }

    /// <summary>Whether the first primary, started again, follows another one.</summary>
    public async Task<bool> IsReplicaAsync()
    {
        await using var first = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{Port},abortConnect=false");
        try
        {
            return (await first.GetServers()[0].ExecuteAsync("ROLE")) is { } role && (string?)((RedisResult[])role!)[0] == "slave";
        }
        catch (RedisConnectionException)
        {
            // Sentinels that make it one end its connections.
            return false;
        }
    }

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => Redis(Arguments(port, _folder.FullName));

    protected override async Task<string?> AfterStartAsync()
    {
        if (_created)
        {
            return null;
        }

        foreach (var node in _replicas.Concat(_sentinels))
        {
            await node.RequireAsync();
        }

        await using var sentinel = await ConnectionMultiplexer.SentinelConnectAsync($"127.0.0.1:{_sentinels[0].Port}");
        var server = sentinel.GetServers()[0];
        await Eventually.Async(
            async () => (await server.SentinelReplicasAsync(Service)) is { Length: 2 } replicas
                && Array.TrueForAll(replicas, replica => replica.Any(pair => pair is { Key: "master-link-status", Value: "ok" }))
                && (await server.SentinelSentinelsAsync(Service)).Length == 2,
            s_limit,
            "the sentinels to find each other and both replicas");
        _created = true;
        return null;
    }

    protected override async ValueTask CleanUpAsync()
    {
        foreach (var node in _sentinels.Concat(_replicas))
        {
            await node.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    private static IEnumerable<string> Arguments(int port, string folder) =>
        ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--dir", folder, "--repl-diskless-sync-delay", "0", "--min-replicas-to-write", "1"];
}
