namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>Section <c>Cluster</c>: what makes several processes one cluster.</summary>
internal sealed class ClusterOptions
{
    public const string SectionName = "Cluster";

    /// <summary>
    /// Prefix of all keys and channels in Redis, for several clusters on one Redis. Default <c>sse</c>. Clusters in different databases
    /// (<c>defaultDatabase=1</c> in the connection string) may have the same.
    /// </summary>
    [Required, RegularExpression("^[A-Za-z0-9_.-]{1,64}$", ErrorMessage = "it must be 1 to 64 letters, digits, '.', '_' or '-'.")]
    public string KeyPrefix { get; set; } = "sse";

    /// <summary>
    /// Accepts a Redis without a password, on a network where nobody else reaches it. Without, a service starts with such a connection
    /// string only in Development. Default false.
    /// </summary>
    public bool AllowRedisWithoutPassword { get; set; }

    /// <summary>Number of the database, of the connection string; no setting.</summary>
    internal int Database { get; set; }

    /// <summary>
    /// What all channels begin with. Redis' databases have keys of their own, but all channels in common: without the number, clusters in
    /// two of them would hear each other's replicas, revocations and events.
    /// </summary>
    internal string ChannelPrefix => Database == 0 ? KeyPrefix : string.Create(CultureInfo.InvariantCulture, $"{KeyPrefix}:db{Database}");

    /// <summary>Channel of a topic's events.</summary>
    public string ChannelOf(string topic) => $"{ChannelPrefix}:{{{topic}}}:live";

    /// <summary>What all keys of a topic begin with. The topic is the hash tag: they lie on one node of a Redis Cluster.</summary>
    public string KeysOf(string topic) => $"{KeyPrefix}:{{{topic}}}:";
}
