namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>What kind of servers the connection has found, and what a connection string has that does not suit them.</summary>
internal sealed class RedisTopology(IConnectionMultiplexer redis, RedisSentinels sentinels) : IHostedService
{
    /// <summary>What is wrong as far as the servers have said what they are, or null.</summary>
    public string? Problem =>
        sentinels.Problem is { } problem ? problem
            : redis.GetServers() is var servers && Array.Exists(servers, server => server.ServerType == ServerType.Sentinel)
            ? $"{ClusterRedisExtensions.ConnectionSetting} names a sentinel, which keeps no data; add ',serviceName=…' with the name of its primary (redis-cli -p 26379 SENTINEL MASTERS lists them), or name a server."
            : Array.Exists(servers, server => server.ServerType == ServerType.Cluster) && redis.GetDatabase().Database != 0
                ? $"{ClusterRedisExtensions.ConnectionSetting} has defaultDatabase={redis.GetDatabase().Database}, and a Redis Cluster has only database 0; take it away, and keep clusters apart by {ClusterOptions.SectionName}:{nameof(ClusterOptions.KeyPrefix)}."
                : null;

    /// <summary>
    /// Whether the channels of topics are sharded: on a Redis Cluster whose servers all can (7 and later, Valkey). A message then
    /// goes to the nodes that have the topic's slot and to no others. Null while no server is there that could say so.
    /// </summary>
    public static bool? HasShardedChannels(IConnectionMultiplexer redis)
    {
        bool? answer = null;
        foreach (var server in redis.GetServers())
        {
            if (server.IsConnected)
            {
                if (server.ServerType != ServerType.Cluster || !server.Features.ShardedPubSub || server.GetProductVariant(out _) == ProductVariant.Garnet)
                {
                    return false;
                }

                answer = true;
            }
        }

        return answer;
    }

    /// <summary>The servers by one place for each: the beginning of keys that lie there. A single server has one place.</summary>
    /// <param name="redis">The connection.</param>
    /// <param name="prefix">What comes before the hash tag.</param>
    /// <param name="tag">What the hash tags begin with.</param>
    public static IReadOnlyList<string> Places(IConnectionMultiplexer redis, string prefix, string tag)
    {
        var first = $"{prefix}:{{{tag}}}:";
        if (redis.GetHashSlot(first) < 0)
        {
            return [first];
        }

        // One that has few slots may be left out.
        const int AttemptsForEach = 16;
        var primaries = redis.GetServers().Count(server => server is { ServerType: ServerType.Cluster, IsReplica: false });
        var places = new Dictionary<EndPoint, string>();
        string? unreachable = null;
        for (var i = 0; i < primaries * AttemptsForEach && places.Count < primaries; i++)
        {
            var place = $"{prefix}:{{{tag}{i}}}:";
            try
            {
                places.TryAdd(redis.GetServer((RedisKey)place, flags: CommandFlags.DemandMaster).EndPoint, place);
            }
            catch (InvalidOperationException)
            {
                unreachable = place;
            }
        }

        return unreachable is null ? [.. places.Values] : [.. places.Values, unreachable];
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await sentinels.LookAsync(cancellationToken);
        if (Problem is { } problem)
        {
            throw new OptionsValidationException(Options.DefaultName, typeof(ClusterOptions), [problem]);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
