namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>What kind of servers the connection has found, and what a connection string has that does not suit them.</summary>
internal sealed class RedisTopology(IConnectionMultiplexer redis) : IHostedService
{
    /// <summary>What is wrong as far as the servers have said what they are, or null.</summary>
    public string? Problem =>
        redis.GetServers() is var servers && Array.Exists(servers, server => server.ServerType == ServerType.Sentinel)
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

    public Task StartAsync(CancellationToken cancellationToken) =>
        Problem is { } problem ? throw new OptionsValidationException(Options.DefaultName, typeof(ClusterOptions), [problem]) : Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Connects by the sentinels. The client library has no connection without them, and none to a primary that has just died and is
    /// still the one they name; a service that ended because of that would end with each failover that it starts in. So it tries
    /// again for six times the connect timeout, and then says what is wrong.
    /// </summary>
    public static object ConnectBySentinels(Func<object> connect, ConfigurationOptions options, TimeProvider time, CancellationToken stopping)
    {
        const int Patience = 6;
        const int MaxPause = 500;
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                return connect();
            }
            catch (RedisConnectionException exception)
            {
                if (time.GetElapsedTime(started).TotalMilliseconds < Patience * options.ConnectTimeout)
                {
                    // What is constructed cannot be awaited.
                    if (stopping.WaitHandle.WaitOne(Math.Min(options.ConnectTimeout, MaxPause)))
                    {
                        throw;
                    }

                    continue;
                }

                var servers = string.Join(", ", options.EndPoints.Select(static server => EndPointCollection.ToString(server)));
                throw new OptionsValidationException(
                    Options.DefaultName,
                    typeof(ClusterOptions),
                    [
                        exception.Message.Contains("not a Sentinel", StringComparison.Ordinal)
                            ? $"{ClusterRedisExtensions.ConnectionSetting} has serviceName={options.ServiceName}, so its servers must be sentinels, and none of {servers} answers as one. Look whether they run, at their ports (26379 by default) and at their password, which must be that of Redis; for a server or a Redis Cluster take serviceName away."
                            : $"{ClusterRedisExtensions.ConnectionSetting} has serviceName={options.ServiceName}, and the sentinels at {servers} know no primary of that name that answers. redis-cli -p 26379 SENTINEL MASTERS lists what they know; the address that they give must be one that this machine reaches, and the password that of Redis.",
                    ]);
            }
        }
    }
}
