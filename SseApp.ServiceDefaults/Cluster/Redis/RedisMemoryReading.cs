namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>How full the fullest server is that holds topic logs.</summary>
/// <param name="Used">Bytes in use.</param>
/// <param name="Limit">Bytes there may be; 0: no limit, or the server does not say.</param>
/// <param name="Policy">What a Redis does when it is full, if that drops keys, such as <c>allkeys-lru</c>; else null.</param>
/// <param name="IsGarnet">The server is a Garnet.</param>
internal sealed record RedisMemoryReading(long Used, long Limit, string? Policy, bool IsGarnet)
{
    public static readonly RedisMemoryReading Unlimited = new(0, 0, null, false);

    public double Share => Limit > 0 ? (double)Used / Limit : 0;

    /// <summary>For people, to go on from "it is": <c>91 % full (115 of 126 MiB)</c>. A limit may be taken away while the server runs.</summary>
    public string Fullness => Limit > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Share * 100:0} % full ({Used >> 20} of {Limit >> 20} MiB)")
        : string.Create(CultureInfo.InvariantCulture, $"without a limit of its memory ({Used >> 20} MiB in use)");

    /// <summary>What makes room.</summary>
    public string Remedy => IsGarnet
        ? "Raise Backplane:GarnetMemoryMiB (or the server's --memory), delete topics that nobody needs (DELETE /topics/{topic}), or lower TopicLog:MaxEvents"
        : "Raise the server's maxmemory, delete topics that nobody needs (DELETE /topics/{topic}), or lower TopicLog:MaxEvents";

    /// <summary>Reads the answer to <c>INFO memory</c>; null when it has no limit in it, as Garnet's.</summary>
    public static RedisMemoryReading? OfRedis(string info)
    {
        var values = Parse(info);
        if (!values.TryGetValue("maxmemory", out var limit))
        {
            return null;
        }

        var policy = values.GetValueOrDefault("maxmemory_policy", "noeviction");
        return new RedisMemoryReading(
            Number(values.GetValueOrDefault("used_memory")) - Number(values.GetValueOrDefault("mem_not_counted_for_evict")),
            Number(limit),
            Number(limit) > 0 && policy != "noeviction" ? policy : null,
            IsGarnet: false);
    }

    /// <summary>
    /// Reads the answer to <c>INFO store</c> of a Garnet. Without a folder for what does not fit, it drops the oldest pages of
    /// its memory, and the logs with them. A page is allocated as a whole, at a moment that nobody here sees.
    /// </summary>
    public static RedisMemoryReading OfGarnet(string info)
    {
        var values = Parse(info);
        var max = Number(values.GetValueOrDefault("Log.MaxMemorySizeBytes"));
        return max <= 0 || values.GetValueOrDefault("LogDir") is { Length: > 0 }
            ? Unlimited with { IsGarnet = true }
            : new RedisMemoryReading(
                Number(values.GetValueOrDefault("Log.CurrentMemorySizeBytes"))
                    + Number(values.GetValueOrDefault("Log.CurrentHeapSizeBytes"))
                    + Number(values.GetValueOrDefault("IndexMemoryChargedToLogBudgetBytes")),
                max - Number(values.GetValueOrDefault("Log.PageSizeBytes")),
                null,
                IsGarnet: true);
    }

    private static Dictionary<string, string> Parse(string info)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in info.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.Split(':', 2) is [var name, var value])
            {
                values.TryAdd(name, value);
            }
        }

        return values;
    }

    private static long Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;
}

/// <summary>Redis has no room for an event; nothing of it is stored.</summary>
internal sealed class RedisFullException(RedisMemoryReading reading)
    : StackExchange.Redis.RedisException($"The server of the topic logs is {reading.Fullness}. {reading.Remedy}.");
