using System.Text.Json.Serialization;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>One end of a supervised process, as reported to the cluster by whatever restarts it.</summary>
internal sealed record RestartRecord
{
    /// <summary>What ended, the same for each of its restarts: the replica's id, or the name of a resource instance.</summary>
    public required string Id { get; init; }

    /// <summary>Exit code; null when it is not known.</summary>
    public int? ExitCode { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>False for a restart that was meant, such as that of the memory guard; it counts for no crash loop.</summary>
    public bool Crash { get; init; } = true;

    /// <summary>True when it is not restarted any more; a person has to look.</summary>
    public bool GaveUp { get; init; }

    /// <summary>For people, such as <c>killed by signal 9</c>; may be empty.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Set when it did not end by itself: why it was restarted, or how that went. Null: it ended.</summary>
    public RestartStage? Stage { get; init; }
}

/// <summary>From the restart of a process that ran on but was of no use, to the word how that went.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RestartStage>))]
internal enum RestartStage
{
    /// <summary>It did not answer any more, and was ended.</summary>
    Hung,

    /// <summary>It could not keep up, and was drained and ended.</summary>
    Slow,

    /// <summary>The new process answers.</summary>
    Recovered,

    /// <summary>The new process does not answer, or there is none; a person has to look.</summary>
    NeedsPerson,
}

/// <summary>
/// The latest restarts of the cluster's processes, kept in Redis: supervisors write, gateways read and alert.
/// A supervisor without a Redis client posts the same record to a gateway's <c>/admin/restarts</c>.
/// </summary>
internal interface IRestartLedger
{
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not take the record.</exception>
    Task AddAsync(RestartRecord restart, CancellationToken cancellationToken);

    /// <summary>The last 200 of the last day, newest first.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis did not answer.</exception>
    Task<IReadOnlyList<RestartRecord>> ReadAsync(CancellationToken cancellationToken);
}
