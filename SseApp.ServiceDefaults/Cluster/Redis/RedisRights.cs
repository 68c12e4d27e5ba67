namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Tries what the cluster does with its keys and channels. A user without the right to some of it is no outage: Redis answers,
/// and refuses single commands, perhaps only once a part of the work is done.
/// </summary>
internal sealed partial class RedisRights(IConnectionMultiplexer redis, IOptions<ClusterOptions> cluster, TimeProvider time, ILogger<RedisRights> logger) : BackgroundService
{
    // No topic has such a name, so these are nobody's keys, and nobody subscribes to these channels.
    private const string Nobody = "?rights";

    // Each command on its own, as the first that is refused may not be the only one. What is made is gone at the end.
    private const string Script = """
        local commands = {
          { 'HSET', KEYS[1], 'field', '1' }, { 'HMGET', KEYS[1], 'field' }, { 'RPUSH', KEYS[2], '1' }, { 'LRANGE', KEYS[2], '0', '0' },
          { 'PEXPIRE', KEYS[2], '1000' }, { 'LPOP', KEYS[2] }, { 'SET', KEYS[3], '1', 'PX', '1000' }, { 'GET', KEYS[3] },
          { 'DEL', KEYS[1] }, { 'DEL', KEYS[2] }, { 'DEL', KEYS[3] }, { 'PUBLISH', ARGV[1], '' },
        }
        local refused = {}
        for _, command in ipairs(commands) do
          local answer = redis.pcall(unpack(command))
          if type(answer) == 'table' and answer.err then refused[#refused + 1] = command[1] .. ': ' .. answer.err end
        end
        return refused
        """;

    private const string NoReplicas = "NOREPLICAS";
    private const string NoDisk = "MISCONF";

    private static readonly string[] s_refusals = ["NOPERM", "READONLY", "ACL failure", "The user executing the script", NoReplicas, NoDisk];
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_later = TimeSpan.FromSeconds(10);

    private volatile string? _problem;

    /// <summary>What is refused, and what to do about it; null when nothing is known to be.</summary>
    public string? Problem => _problem;

    /// <summary>Whether the server would do everything again by itself, and reads go on: streams are served, and nothing can be published.</summary>
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
            Report(
                await TryAsync(cluster.Value.KeysOf(Nobody), cluster.Value.ChannelOf(Nobody))
                ?? await TryAsync($"{{{prefix}:{Nobody}}}:", $"{channels}:{Nobody}"));
            return true;
        }
        catch (RedisServerException exception) when (IsRefusal(exception.Message))
        {
            Report(exception.Message);
            return true;
        }
        // An outage is reported elsewhere.
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return false;
        }
    }

    private async Task<string?> TryAsync(string keys, string channel)
    {
        var refused = (string?[]?)await redis.GetDatabase().ScriptEvaluateAsync(Script, [keys + "hash", keys + "list", keys + "text"], [channel], CommandFlags.DemandMaster) ?? [];
        return Array.Find(refused, error => error is not null && IsRefusal(error));
    }

    // Not what a full server says, for example. Redis 6.2 and 7.0 say it otherwise in a script.
    private static bool IsRefusal(string error) => Array.Exists(s_refusals, text => error.Contains(text, StringComparison.Ordinal));

    private void Report(string? refused)
    {
        IsPassing = refused is not null && (refused.Contains(NoReplicas, StringComparison.Ordinal) || refused.Contains(NoDisk, StringComparison.Ordinal));
        var problem = refused is null ? null
            : refused.Contains(NoReplicas, StringComparison.Ordinal)
                ? "Redis stores nothing, and every publish is refused, because fewer of its replicas are connected than its min-replicas-to-write asks for; bring them back (redis-cli INFO replication lists them), or lower it: redis-cli CONFIG SET min-replicas-to-write 0."
            : refused.Contains(NoDisk, StringComparison.Ordinal)
                ? $"Redis stores nothing, and every publish is refused, because it cannot write to its disk ({refused.TrimEnd('.')}); free space on it, and its own log says what is wrong."
            : refused.Contains("READONLY", StringComparison.Ordinal)
                ? $"Redis only reads ({refused.TrimEnd('.')}); connect to the primary, or make this server one: redis-cli REPLICAOF NO ONE."
                : $"The Redis user may not do what this service has to ({refused.TrimEnd('.')}). Allow it: redis-cli ACL SETUSER {User} {Rights(cluster.Value.KeyPrefix)}";
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
    }

    // The text of a configuration has a password, too; only this part of it is told.
    private string User => ConfigurationOptions.Parse(redis.Configuration).User is { Length: > 0 } user ? user : "default";

    private static string Rights(string prefix) => $"'~{prefix}:*' '~{{{prefix}:*' '&{prefix}:*' +@all -@admin -@dangerous +info";

    [LoggerMessage(LogLevel.Error, "{Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(LogLevel.Information, "Redis allows again what this service has to do.")]
    private partial void LogAllowed();
}

internal sealed class RedisRightsHealthCheck(RedisRights rights) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(rights.Problem is { } problem ? new HealthCheckResult(rights.IsPassing ? HealthStatus.Degraded : context.Registration.FailureStatus, problem) : HealthCheckResult.Healthy());
}
