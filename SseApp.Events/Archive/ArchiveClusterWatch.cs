using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using StackExchange.Redis;

namespace SseApp.Events.Archive;

/// <summary>
/// Notices that another cluster writes to the same database: each has a name that its Redis keeps, and gives signs of life in the database.
/// A Redis that lost its data has a new name, and the former one gives no more signs: that is no other cluster.
/// </summary>
internal sealed partial class ArchiveClusterWatch(
    IEventArchive archive, IConnectionMultiplexer redis, IOptions<ClusterOptions> cluster, ArchiveMetrics metrics, TimeProvider time, ILogger<ArchiveClusterWatch> logger) : BackgroundService
{
    // A replica that was slow may give one more sign by the former name, hardly so many.
    private const int Signs = 3;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    // Without a sign for so long a cluster has ended, or moved to another database.
    private static readonly TimeSpan s_memory = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, Other> _others = new(StringComparer.Ordinal);
    private readonly RedisKey _key = $"{cluster.Value.KeyPrefix}:{{archive}}:cluster";
    private string? _reported;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await LookAsync(stoppingToken);
            await Task.Delay(s_interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await FindNameAsync() is { } name)
            {
                Compare(await archive.MeetAsync(name, cancellationToken));
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The end.
        }
        catch (Exception exception) when (exception is ArchiveUnavailableException || RedisErrors.IsUnavailable(exception) || RedisErrors.IsFull(exception))
        {
            // The archiver reports that.
            LogNotSeen(exception.Message);
        }
    }

    /// <summary>The cluster's name, which the first one that asks gives it.</summary>
    private async Task<string?> FindNameAsync()
    {
        var database = redis.GetDatabase();
        if (await ReadAsync() is { } known)
        {
            return known;
        }

        // What somebody else has written there is no name.
        var isFree = !await database.KeyExistsAsync(_key, RedisScript.Flags);
        await database.StringSetAsync(_key, Guid.NewGuid().ToString("N"), when: isFree ? When.NotExists : When.Always, flags: RedisScript.Flags);
        return await ReadAsync();

        async Task<string?> ReadAsync()
        {
            try
            {
                return Guid.TryParseExact(await database.StringGetAsync(_key, RedisScript.Flags), "N", out var name) ? name.ToString("N") : null;
            }
            catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
            {
                return null;
            }
        }
    }

    private void Compare(IReadOnlyDictionary<string, long> signs)
    {
        foreach (var (name, count) in signs)
        {
            if (!_others.TryGetValue(name, out var other))
            {
                _others.Add(name, new Other(count, 0, time.GetTimestamp()));
            }
            else if (count != other.Count)
            {
                _others[name] = new Other(count, time.GetElapsedTime(other.At) < s_memory ? other.Signs + 1 : 1, time.GetTimestamp());
            }
        }

        var found = _others.FirstOrDefault(other => other.Value.Signs >= Signs && time.GetElapsedTime(other.Value.At) < s_memory).Key;
        metrics.IsShared = found is not null;
        if (found is not null && _reported is null)
        {
            LogShared(found, PostgreSql.PostgresArchiveExtensions.ConnectionSetting);
        }
        else if (found is null && _reported is not null)
        {
            LogAlone();
        }

        _reported = found;
    }

    [LoggerMessage(LogLevel.Error, "Another cluster ({Name}) writes to the archive's database, with another Redis or another Cluster:KeyPrefix. Topics of the same name are one history that each of them deletes and erases, and each keeps the other one from writing for a while. Give each cluster a database of its own: {Setting}.")]
    private partial void LogShared(string name, string setting);

    [LoggerMessage(LogLevel.Information, "No other cluster writes to the archive's database any more.")]
    private partial void LogAlone();

    [LoggerMessage(LogLevel.Debug, "Whether another cluster writes to the archive's database could not be found out: {Reason}")]
    private partial void LogNotSeen(string reason);

    /// <param name="Count">Its signs, as the database counts them.</param>
    /// <param name="Signs">Times that this was found to be another number, one soon after the other.</param>
    /// <param name="At">When it was last, or when it was found first.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Other(long Count, int Signs, long At);
}
