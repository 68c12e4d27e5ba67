namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Tries what the cluster does with its keys and channels. A user without the right to some of it is no outage: Redis answers,
/// and refuses single commands, perhaps only once a part of the work is done.
/// </summary>
internal sealed partial class RedisRights(
    IConnectionMultiplexer redis, IOptions<ClusterOptions> cluster, IOptions<RedisHealthOptions> health, IOptions<RedisRightsOptions> options, RedisStatus status, TimeProvider time, ILogger<RedisRights> logger) : BackgroundService
{
    // No topic has such a name, so these are nobody's keys, and nobody subscribes to these channels.
    private const string Nobody = "?rights";

    // Each command on its own, as the first that is refused may not be the only one. What is made is gone at the end.
    private const string Script = """
        local commands = {
          { 'HSET', KEYS[1], 'field', '1' }, { 'HMGET', KEYS[1], 'field' }, { 'RPUSH', KEYS[2], '1' }, { 'LRANGE', KEYS[2], '0', '0' },
          { 'PEXPIRE', KEYS[2], '1000' }, { 'LPOP', KEYS[2] }, { 'SET', KEYS[3], '1', 'PX', '1000' }, { 'GET', KEYS[3] },
          { 'DEL', KEYS[1] }, { 'DEL', KEYS[2] }, { 'DEL', KEYS[3] }, { ARGV[2], ARGV[1], '' },
        }
        if ARGV[3] == '1' then
          commands[#commands + 1] = { 'SADD', KEYS[4], '1' }
          commands[#commands + 1] = { 'SPOP', KEYS[4], '1' }
          commands[#commands + 1] = { 'DEL', KEYS[4] }
          commands[#commands + 1] = { 'SCAN', '0', 'COUNT', '1' }
        end
        local refused = {}
        for _, command in ipairs(commands) do
          local answer = redis.pcall(unpack(command))
          if type(answer) == 'table' and answer.err then refused[#refused + 1] = command[1] .. ': ' .. answer.err end
        end
        return refused
        """;

    private const string NoSlot = "CLUSTERDOWN";

    // Of the client, which knows how many the server has, and sends it nothing. A ping is about no database.
    private const string NoDatabase = "The database does not exist";

    // What the archive alone does, as the script names what is refused.
    private static readonly string[] s_archiveCommands = ["SADD:", "SPOP:", "SCAN:"];

    // As redis.conf leaves it with rename-command: of the script itself, and of a command in it.
    private static readonly string[] s_unknown = ["unknown command", "Unknown Redis command"];

    private static readonly string[] s_refusals = ["NOPERM", RedisErrors.ReadOnly, "ACL failure", "The user executing the script", RedisErrors.NoReplicas, RedisErrors.NoDisk, NoSlot, .. s_unknown];
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_later = TimeSpan.FromSeconds(3);

    private volatile string? _problem;
    private long _readOnlySince;

    /// <summary>What is refused, and what to do about it; null when nothing is known to be.</summary>
    public string? Problem => _problem;

    /// <summary>Whether streams are served all the same: the server would do everything again by itself, or only the archive is concerned.</summary>
    public bool IsPassing { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var known = await LookAsync();
            await Task.Delay(known && Problem is null ? s_later : s_soon, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> LookAsync()
    {
        try
        {
            var (prefix, channels) = (cluster.Value.KeyPrefix, cluster.Value.ChannelPrefix);
            var publish = RedisTopology.HasShardedChannels(redis) == true ? "SPUBLISH" : "PUBLISH";
            var places = RedisTopology.Places(redis, prefix, Nobody);
            // A Redis Cluster has one database: its channels have the names of keys.
            var refusals = await Task.WhenAll(places.Select(place => TryPlaceAsync(place, places.Count == 1 ? cluster.Value.ChannelOf(Nobody) : place + "live", publish, alone: places.Count == 1)));
            Report(Array.Find(refusals, refused => refused is not null) ?? await TryAsync($"{{{prefix}:{Nobody}}}:", $"{channels}:{Nobody}", "PUBLISH"));
            status.Seen();
            return true;
        }
        catch (RedisServerException exception) when (IsRefusal(exception.Message))
        {
            Report(exception.Message);
            return true;
        }
        catch (RedisCommandException exception) when (exception.Message.Contains(NoDatabase, StringComparison.Ordinal))
        {
            Report(exception.Message);
            return true;
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // An outage is reported elsewhere. One without a server that takes writes is none: those that there are answer.
            var servers = Array.FindAll(redis.GetServers(), static server => server.IsConnected);
            if (servers.Length > 0 && Array.TrueForAll(servers, static server => server.IsReplica))
            {
                Report(RedisErrors.ReadOnly);
                return true;
            }

            return false;
        }
    }

    /// <summary>On one of the servers; that a part of a Redis Cluster does not answer is told, because the rest of it does.</summary>
    private async Task<string?> TryPlaceAsync(string place, string channel, string publish, bool alone)
    {
        try
        {
            return await TryAsync(place, channel, publish);
        }
        catch (RedisServerException exception) when (IsRefusal(exception.Message))
        {
            return exception.Message;
        }
        catch (Exception exception) when (!alone && redis.IsConnected && RedisErrors.IsUnavailable(exception))
        {
            return NoSlot;
        }
    }

    private async Task<string?> TryAsync(string keys, string channel, string publish)
    {
        var refused = (string?[]?)await redis.GetDatabase().ScriptEvaluateAsync(
            Script, [keys + "hash", keys + "list", keys + "text", keys + "set"], [channel, publish, options.Value.Archive ? 1 : 0], CommandFlags.DemandMaster) ?? [];
        return Array.Find(refused, error => error is not null && IsRefusal(error));
    }

    // Not what a full server says, for example. Redis 6.2 and 7.0 say it otherwise in a script.
    private static bool IsRefusal(string error) => Array.Exists(s_refusals, text => error.Contains(text, StringComparison.Ordinal));

    private void Report(string? refused)
    {
        // Every process sees it for a moment while a failover makes another server the primary.
        var readOnly = Says(RedisErrors.ReadOnly);
        var (noReplicas, noDisk, noSlot) = (Says(RedisErrors.NoReplicas), Says(RedisErrors.NoDisk), Says(NoSlot));
        _readOnlySince = !readOnly ? 0 : _readOnlySince == 0 ? time.GetTimestamp() : _readOnlySince;
        var isArchives = Array.Exists(s_archiveCommands, command => refused?.StartsWith(command, StringComparison.Ordinal) == true);
        IsPassing = noReplicas || noDisk || noSlot || isArchives || (readOnly && time.GetElapsedTime(_readOnlySince) < health.Value.GracePeriod);
        var problem = refused is null ? null
            : RedisErrors.StoresNothing(refused) is { } nothing ? nothing
            : noSlot
                ? "A part of the Redis Cluster does not answer or has no primary: topics in its slots can be neither published nor read, as long as no replica of it is promoted. See redis-cli --cluster check HOST:PORT."
            : Array.Exists(s_unknown, Says)
                ? $"Redis does not know a command that {(isArchives ? "the archive" : "this service")} needs ({refused.TrimEnd('.')}): take its rename-command out of redis.conf; rights of a user (ACL) keep others from it."
            : Says(NoDatabase)
                ? $"Redis has no database {cluster.Value.Database}, and everything is refused: set defaultDatabase of {ClusterRedisExtensions.ConnectionSetting} lower (0 is always there), or databases in redis.conf higher."
            : $"The Redis user may not do what {(isArchives ? "the archive" : "this service")} has to ({refused.TrimEnd('.')}). Allow it: redis-cli ACL SETUSER {User} {Rights(cluster.Value.KeyPrefix)}";
        if (problem == _problem)
        {
            return;
        }

        _problem = problem;
        if (problem is not null)
        {
            LogProblem(problem);
        }
        else
        {
            LogAllowed();
        }

        bool Says(string word) => refused?.Contains(word, StringComparison.Ordinal) == true;
    }

    // The text of a configuration has a password, too; only this part of it is told.
    private string User => ConfigurationOptions.Parse(redis.Configuration).User is { Length: > 0 } user ? user : "default";

    private static string Rights(string prefix) => $"'~{prefix}:*' '~{{{prefix}:*' '&{prefix}:*' +@all -@admin -@dangerous +info";

    [LoggerMessage(LogLevel.Error, "{Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(LogLevel.Information, "Redis allows again what this service has to do.")]
    private partial void LogAllowed();
}

/// <summary>What is tried beside what each service does.</summary>
internal sealed class RedisRightsOptions
{
    /// <summary>What the archive of events does.</summary>
    public bool Archive { get; set; }
}

internal sealed class RedisRightsHealthCheck(RedisRights rights) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(rights.Problem is { } problem ? new HealthCheckResult(rights.IsPassing ? HealthStatus.Degraded : context.Registration.FailureStatus, problem) : HealthCheckResult.Healthy());
}
