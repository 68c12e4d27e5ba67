namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>How full the fullest server is that holds topic logs.</summary>
/// <param name="Used">Bytes in use.</param>
/// <param name="Limit">Bytes there may be; 0: no limit, or the server does not say.</param>
/// <param name="Policy">What a Redis does when it is full, if that drops keys, such as <c>allkeys-lru</c>; else null.</param>
/// <param name="IsGarnet">The server is a Garnet.</param>
internal sealed record RedisMemoryReading(long Used, long Limit, string? Policy, bool IsGarnet)
{
    public static readonly RedisMemoryReading Unlimited = new(0, 0, null, false) { IsKnown = false };

    /// <summary>Bytes of all that is kept in the servers together: the topic logs, and little else.</summary>
    public long Stored { get; init; }

    /// <summary>Bytes that it may have; 0: no limit.</summary>
    public long StoredLimit { get; init; }

    /// <summary>The server says what its limit is.</summary>
    public bool IsKnown { get; init; } = true;

    /// <summary>A server, which is no Garnet, has no limit.</summary>
    public bool IsUnbounded => IsKnown && Limit == 0 && !IsGarnet;

    public double StoredShare => StoredLimit > 0 ? (double)Stored / StoredLimit : 0;

    public double Share => Limit > 0 ? (double)Used / Limit : 0;

    /// <summary>For people: what is fullest, without the full stop. A limit may be taken away while the server runs.</summary>
    public string Fullness => IsOfLogs
        ? string.Create(CultureInfo.InvariantCulture, $"The topic logs have {StoredShare * 100:0} % of what they may have ({Stored >> 20} of {StoredLimit >> 20} MiB, TopicLog:MaxTotalBytes)")
        : Limit > 0 ? string.Create(CultureInfo.InvariantCulture, $"The server of the topic logs is {Share * 100:0} % full ({Used >> 20} of {Limit >> 20} MiB)")
        : string.Create(CultureInfo.InvariantCulture, $"The server of the topic logs is without a limit of its memory ({Used >> 20} MiB in use)");

    /// <summary>What makes room.</summary>
    public string Remedy => (IsGarnet ? "Raise Backplane:GarnetMemoryMiB (or the server's --memory)" : "Raise the server's maxmemory")
        + (IsOfLogs ? " or TopicLog:MaxTotalBytes" : "")
        + ", delete topics that nobody needs (DELETE /topics/{topic}), or lower TopicLog:MaxEvents or TopicLog:MaxBytes";

    private bool IsOfLogs => StoredShare > Share;

    /// <summary>Reads the answer to <c>INFO memory</c>; null when it has no limit in it, as Garnet's.</summary>
    public static RedisMemoryReading? OfRedis(string info)
    {
        var values = Parse(info);
        if (!values.TryGetValue("maxmemory", out var limit))
        {
            return null;
        }

        var policy = values.GetValueOrDefault("maxmemory_policy", "noeviction");
        var used = Number(values.GetValueOrDefault("used_memory")) - Number(values.GetValueOrDefault("mem_not_counted_for_evict"));
        return new RedisMemoryReading(used, Number(limit), Number(limit) > 0 && policy != "noeviction" ? policy : null, IsGarnet: false)
        {
            // Without what the server needs by itself and for its connections.
            Stored = values.TryGetValue("used_memory_dataset", out var data) ? Number(data) : used,
            StoredLimit = Number(limit) / 2,
        };
    }

    /// <summary>Reads the answer to <c>CONFIG GET maxmemory*</c>, for a user who may not ask for more.</summary>
    public static RedisMemoryReading? OfConfiguration(IEnumerable<KeyValuePair<string, string>> settings)
    {
        var info = string.Join('\n', settings.Select(setting => $"{setting.Key.Replace('-', '_')}:{setting.Value}"));
        // How much is in use is not known, so nothing is ever full.
        return OfRedis(info);
    }

    /// <summary>
    /// Reads the answer to <c>INFO store</c> of a Garnet. Without a folder for what does not fit, it drops the oldest pages of
    /// its memory, and the logs with them. A page is allocated as a whole, at a moment that nobody here sees.
    /// </summary>
    public static RedisMemoryReading OfGarnet(string info)
    {
        var values = Parse(info);
        var max = Number(values.GetValueOrDefault("Log.MaxMemorySizeBytes"));
        if (max <= 0)
        {
            return Unlimited;
        }

        return values.GetValueOrDefault("LogDir") is { Length: > 0 }
            ? new RedisMemoryReading(0, 0, null, IsGarnet: true) { Stored = Number(values.GetValueOrDefault("Log.CurrentHeapSizeBytes")) }
            : new RedisMemoryReading(
                Number(values.GetValueOrDefault("Log.CurrentMemorySizeBytes"))
                    + Number(values.GetValueOrDefault("Log.CurrentHeapSizeBytes"))
                    + Number(values.GetValueOrDefault("IndexMemoryChargedToLogBudgetBytes")),
                max - Number(values.GetValueOrDefault("Log.PageSizeBytes")),
                null,
                IsGarnet: true)
            {
                // Lists are in its heap; its pages have only what leads there.
                Stored = Number(values.GetValueOrDefault("Log.CurrentHeapSizeBytes")),
                StoredLimit = max / 2,
            };
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

/// <summary>There is no room for an event; nothing of it is stored.</summary>
internal sealed class RedisFullException(RedisMemoryReading reading, bool ofLogs) : StackExchange.Redis.RedisException($"{reading.Fullness}. {reading.Remedy}.")
{
    /// <summary>The topic logs have what they may have; else the server is full.</summary>
    public bool OfLogs => ofLogs;
}
