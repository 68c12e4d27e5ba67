using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// A master, its replica, which follows it through a pipe, and a sentinel that promotes the replica a second after the
/// master died.
/// </summary>
public sealed class RedisSentinelServer : BackplaneServer
{
    private const string Service = "events";

    private readonly TcpPipe _link = new();
    private readonly RedisNode _replica;
    private readonly RedisNode _sentinel;

    public RedisSentinelServer()
    {
        _replica = new RedisNode((port, folder) => [.. Arguments(port, folder), "--replicaof", "127.0.0.1", $"{_link.Address.Port}"]);
        // The sentinel waits as long as its failover-timeout before it corrects a replica that follows a pipe.
        _sentinel = RedisNode.Sentinel(Service, () => Port, quorum: 1, ("down-after-milliseconds", 1_000), ("failover-timeout", 180_000));
    }

    public override string ConnectionString => $"127.0.0.1:{_sentinel.Port},serviceName={Service},abortConnect=false,connectTimeout=2000";

    /// <summary>What <see cref="ConnectionString"/> says.</summary>
    internal ConfigurationOptions Options => ConfigurationOptions.Parse(ConnectionString);

    /// <summary>The replica alone, whatever it is at the time.</summary>
    public string ReplicaConnectionString => $"127.0.0.1:{_replica.Port},abortConnect=false,allowAdmin=true";

    /// <summary>From now on the replica gets nothing new: the next failover loses what is published.</summary>
    public void HoldBack() => _link.HoldBack();

    /// <summary>Kills the master and waits until another server is it.</summary>
    public async Task FailOverAsync()
    {
        await KillAsync();
        await using var sentinel = await ConnectionMultiplexer.SentinelConnectAsync($"127.0.0.1:{_sentinel.Port}");
        await Eventually.Async(
            async () => await sentinel.GetServers()[0].SentinelGetMasterAddressByNameAsync(Service) is System.Net.IPEndPoint master && master.Port == _replica.Port,
            TimeSpan.FromSeconds(20),
            "the sentinel to promote the replica");
    }

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => Redis(Arguments(port, Path.GetTempPath()));

    protected override async Task<string?> AfterStartAsync()
    {
        _link.Target = new Uri($"http://127.0.0.1:{Port}");
        await _replica.RequireAsync();
        await using var replica = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_replica.Port},allowAdmin=true");
        await Eventually.Async(
            async () => (await replica.GetServers()[0].InfoRawAsync("replication"))!.Contains("master_link_status:up", StringComparison.Ordinal),
            TimeSpan.FromSeconds(20),
            "the replica to follow its master");
        await _sentinel.RequireAsync();
        await using var sentinel = await ConnectionMultiplexer.SentinelConnectAsync($"127.0.0.1:{_sentinel.Port}");
        await Eventually.Async(
            async () => (await sentinel.GetServers()[0].SentinelReplicasAsync(Service)).Length == 1,
            TimeSpan.FromSeconds(20),
            "the sentinel to find the replica");
        return null;
    }

    protected override async ValueTask CleanUpAsync()
    {
        await _sentinel.DisposeAsync();
        await _replica.DisposeAsync();
        await _link.DisposeAsync();
    }

    private static IEnumerable<string> Arguments(int port, string folder) =>
        ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder, "--repl-diskless-sync-delay", "0"];
}
