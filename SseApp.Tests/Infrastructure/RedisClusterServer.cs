using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>A Redis Cluster of three masters, the first of which may have a replica.</summary>
public sealed class RedisClusterServer : BackplaneServer
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-cluster-");
    private readonly RedisNode[] _others;
    private readonly RedisNode? _replica;
    private readonly int _nodeTimeout;
    private bool _created;

    public RedisClusterServer()
        : this(withReplica: false, nodeTimeout: 15_000)
    {
    }

    /// <param name="withReplica">Of the first master.</param>
    /// <param name="nodeTimeout">Milliseconds until a node counts as failed; the sooner it does, the sooner do others that only wait for a core.</param>
    internal RedisClusterServer(bool withReplica, int nodeTimeout = 3_000)
    {
        _nodeTimeout = nodeTimeout;
        _others = [new(Arguments), new(Arguments)];
        _replica = withReplica ? new RedisNode(Arguments) : null;
    }

    public override string ConnectionString =>
        $"127.0.0.1:{Port},{string.Join(',', _others.Select(node => $"127.0.0.1:{node.Port}"))},abortConnect=false,connectTimeout=2000";

    /// <summary>The port of the replica of the first master.</summary>
    public int ReplicaPort => _replica!.Port;

    /// <summary>
    /// Moves a slot to another master, key by key, as <c>redis-cli --cluster reshard</c> does: meanwhile clients are asked to ask
    /// there (ASK), or to try again, and afterwards they are told that it has moved (MOVED).
    /// </summary>
    /// <param name="admin">A connection to all nodes.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="onKey">Called before each key, and before the end.</param>
    public static async Task MoveSlotAsync(ConnectionMultiplexer admin, int slot, Func<Task> onKey)
    {
        var nodes = (await admin.GetServers().First(server => server.IsConnected).ClusterNodesAsync())!.Nodes.Where(node => !node.IsReplica && node.Slots.Count > 0).OrderBy(node => node.NodeId, StringComparer.Ordinal).ToArray();
        var from = Array.FindIndex(nodes, node => node.Slots.Any(range => slot >= range.From && slot <= range.To));
        var (source, target) = (nodes[from], nodes[(from + 1) % nodes.Length]);
        var (giving, taking) = (admin.GetServer(source.EndPoint!), admin.GetServer(target.EndPoint!));
        await taking.ExecuteAsync("CLUSTER", "SETSLOT", slot, "IMPORTING", source.NodeId);
        await giving.ExecuteAsync("CLUSTER", "SETSLOT", slot, "MIGRATING", target.NodeId);
        var port = ((IPEndPoint)target.EndPoint!).Port;
        while (((RedisResult[]?)await giving.ExecuteAsync("CLUSTER", "GETKEYSINSLOT", slot, 1))! is [var key])
        {
            await onKey();
            await giving.ExecuteAsync("MIGRATE", "127.0.0.1", port, (string)key!, 0, 5_000);
        }

        await onKey();
        foreach (var server in (IServer[])[taking, giving])
        {
            await server.ExecuteAsync("CLUSTER", "SETSLOT", slot, "NODE", target.NodeId);
        }
    }

    /// <summary>Kills the first master and waits until its replica has its slots.</summary>
    public async Task FailOverAsync()
    {
        await KillAsync();
        await Eventually.Async(
            async () => (await RunAsync(["-p", $"{ReplicaPort}", "role"])).StartsWith("master", StringComparison.Ordinal)
                && (await RunAsync(["-p", $"{_others[0].Port}", "cluster", "info"])).Contains("cluster_state:ok", StringComparison.Ordinal),
            s_limit,
            "the replica to be promoted");
    }

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port)
    {
        var path = FindOnPath("redis-server");
        return path is null || FindOnPath("redis-cli") is null
            ? (null, "redis-server or redis-cli is not installed (apt-get install redis-server).")
            : (new ProcessStartInfo(path, Arguments(port, _folder.FullName)), null);
    }

    protected override async Task<string?> AfterStartAsync()
    {
        if (_created)
        {
            // The node knows the others by its file.
            return null;
        }

        foreach (var node in _others)
        {
            await node.RequireAsync();
        }

        var nodes = new[] { Port, _others[0].Port, _others[1].Port }.Select(port => $"127.0.0.1:{port}");
        var created = await RunAsync(["--cluster", "create", .. nodes, "--cluster-yes"]);
        await WholeAsync(created);
        if (_replica is not null)
        {
            await _replica.RequireAsync();
            var id = (await RunAsync(["-p", $"{Port}", "cluster", "myid"])).Trim();
            var added = await RunAsync(["--cluster", "add-node", $"127.0.0.1:{_replica.Port}", $"127.0.0.1:{Port}", "--cluster-slave", "--cluster-master-id", id]);
            await Eventually.Async(
                async () => (await RunAsync(["-p", $"{_replica.Port}", "info", "replication"])).Contains("master_link_status:up", StringComparison.Ordinal),
                s_limit,
                $"the replica to follow its master; redis-cli said: {added}");
            await WholeAsync(added);
        }

        _created = true;
        return null;
    }

    protected override async ValueTask CleanUpAsync()
    {
        foreach (var node in _others.Append(_replica).OfType<RedisNode>())
        {
            await node.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    // Each node has to know it: a client may ask any of them.
    private Task WholeAsync(string said) => Eventually.Async(
        async () =>
        {
            foreach (var port in _others.Select(node => node.Port).Prepend(Port))
            {
                if (!(await RunAsync(["-p", $"{port}", "cluster", "info"])).Contains("cluster_state:ok", StringComparison.Ordinal))
                {
                    return false;
                }
            }

            return true;
        },
        s_limit,
        $"the cluster to be whole; redis-cli said: {said}");

    // The port of the cluster's own talk is port + 10000 by default, which a high port does not have.
    private IEnumerable<string> Arguments(int port, string folder) =>
        ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder, "--cluster-enabled", "yes", "--cluster-node-timeout", $"{_nodeTimeout}", "--cluster-port", $"{Ports.Next()}", "--repl-diskless-sync-delay", "0"];

    private static async Task<string> RunAsync(IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(FindOnPath("redis-cli")!, arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return output;
    }
}
