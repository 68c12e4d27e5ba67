using System.IO.Hashing;
using System.Text;
using SseApp.Events.Log;
using StackExchange.Redis;

namespace SseApp.Events.Archive;

/// <summary>
/// The topics of the cluster in shards, each with one archiver at a time, and which of them have events that may not be archived yet. That is a hint:
/// what is lost of it is found by comparing all topics with the archive.
/// </summary>
internal sealed class ArchiveShards(IConnectionMultiplexer redis, IOptions<ClusterOptions> cluster)
{
    public const int Count = 16;

    /// <summary>The most that <see cref="TakeAsync"/> hands over at once; after so many there may be more.</summary>
    public const int MaxTopics = 512;

    private const int ScanPage = 1_000;

    private readonly ClusterOptions _cluster = cluster.Value;

    public static int Of(string topic) => (int)(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(topic)) % Count);

    /// <summary>Name of the lease of a shard.</summary>
    public static string LeaseOf(int shard) => string.Create(CultureInfo.InvariantCulture, $"archive-{shard}");

    /// <summary>Channel on which topics are named whose history was erased or deleted.</summary>
    public RedisChannel ForgetChannel => RedisChannel.Literal($"{_cluster.ChannelPrefix}:archive:forget");

    /// <summary>Adds topics for their archivers to look at; urgent ones ahead of the shard's turn.</summary>
    public Task HintAsync(IEnumerable<string> topics, bool isUrgent = false) => Task.WhenAll(topics.GroupBy(Of).Select(shard =>
        redis.GetDatabase().SetAddAsync(KeyOf(shard.Key, isUrgent), [.. shard.Select(topic => (RedisValue)topic)], RedisScript.Flags)));

    /// <summary>Takes topics that were hinted at.</summary>
    public async Task<string[]> TakeAsync(int shard, bool isUrgent = false)
    {
        var topics = await redis.GetDatabase().SetPopAsync(KeyOf(shard, isUrgent), MaxTopics, RedisScript.Flags);
        return [.. topics.Select(topic => (string?)topic).OfType<string>().Where(topic => TopicName.IsValid(topic) && Of(topic) == shard)];
    }

    /// <summary>All topics that have a log, page by page; some may come twice.</summary>
    /// <exception cref="RedisConnectionException">No server is connected.</exception>
    public async IAsyncEnumerable<string[]> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (prefix, suffix) = ($"{_cluster.KeyPrefix}:{{", "}:counter");
        var servers = Array.FindAll(redis.GetServers(), server => server is { IsConnected: true, IsReplica: false });
        if (servers.Length == 0)
        {
            // Not the same as a server without topics.
            throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, "No server that has topics is connected.");
        }

        foreach (var server in servers)
        {
            var page = new List<string>(ScanPage);
            await foreach (var key in server.KeysAsync(_cluster.Database, $"{prefix}*{suffix}", ScanPage).WithCancellation(cancellationToken))
            {
                if (key.ToString() is var text && text.Length > prefix.Length + suffix.Length && text[prefix.Length..^suffix.Length] is var topic && TopicName.IsValid(topic))
                {
                    page.Add(topic);
                }

                if (page.Count == ScanPage)
                {
                    yield return [.. page];
                    page.Clear();
                }
            }

            yield return [.. page];
        }
    }

    private RedisKey KeyOf(int shard, bool isUrgent) => string.Create(CultureInfo.InvariantCulture, $"{_cluster.KeyPrefix}:{{archive:{shard}}}:{(isUrgent ? "urgent" : "topics")}");
}
