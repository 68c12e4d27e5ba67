namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>Section <c>Cluster</c>: what makes several processes one cluster.</summary>
internal sealed class ClusterOptions
{
    public const string SectionName = "Cluster";

    /// <summary>Prefix of all keys and channels in Redis, for several clusters on one Redis. Default <c>sse</c>.</summary>
    [Required, RegularExpression("^[A-Za-z0-9_.-]{1,64}$", ErrorMessage = "it must be 1 to 64 letters, digits, '.', '_' or '-'.")]
    public string KeyPrefix { get; set; } = "sse";

    /// <summary>
    /// Accepts a Redis without a password, on a network where nobody else reaches it. Without, a service starts with such a connection
    /// string only in Development. Default false.
    /// </summary>
    public bool AllowRedisWithoutPassword { get; set; }

    /// <summary>What all keys of a topic begin with. The topic is the hash tag: they lie on one node of a Redis Cluster.</summary>
    public string KeysOf(string topic) => $"{KeyPrefix}:{{{topic}}}:";
}
