using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>What can be forged; the values of the label <c>kind</c>.</summary>
internal static class ForgedKind
{
    /// <summary>A replica's record in the registry.</summary>
    public const string Record = "record";

    /// <summary>A change of the registry, announced over its channel.</summary>
    public const string Announcement = "announcement";

    /// <summary>An operator's command to a replica.</summary>
    public const string Command = "command";

    /// <summary>A restart in the ledger.</summary>
    public const string Restart = "restart";

    /// <summary>The book of alerts.</summary>
    public const string Alerts = "alerts";

    /// <summary>The state of a rolling reload.</summary>
    public const string Reload = "reload";

    /// <summary>A lease: who may do what only one may do at a time.</summary>
    public const string Lease = "lease";

    /// <summary>A topic's log, its counter or an idempotency key of it: not signed, but it can be seen when it is none.</summary>
    public const string Topic = "topic";

    /// <summary>A credential that is said to be revoked.</summary>
    public const string Revocation = "revocation";

    /// <summary>A ticket, or the word that one has another stream now.</summary>
    public const string Ticket = "ticket";

    /// <summary>The tokens that a session has had.</summary>
    public const string Session = "session";

    /// <summary>A request with a signature.</summary>
    public const string Request = "request";

    /// <summary>A relay connection.</summary>
    public const string Relay = "relay";

    /// <summary>A replica's address outside of <c>Replica:AllowedAddresses</c>.</summary>
    public const string Address = "address";

    public static readonly string[] All = [Record, Announcement, Command, Restart, Alerts, Reload, Revocation, Ticket, Session, Lease, Topic, Request, Relay, Address];
}

/// <summary>Counts and logs what was ignored because nobody with the cluster's key has made it for here and now.</summary>
internal sealed partial class ForgedRecords(SseMeter meter, TimeProvider time, ILogger<ForgedRecords> logger) : IHostedService
{
    private const int MaxShown = 100;

    // One that lies in Redis is read again every second.
    private static readonly TimeSpan s_logEvery = TimeSpan.FromSeconds(30);

    private readonly Counter<long> _counter = meter.Meter.CreateCounter<long>(
        MetricNames.Forged, description: "Records, commands and requests that were ignored because they are not signed, signed wrongly, too old, repeated or of a wrong type, by kind.");

    private readonly ConcurrentDictionary<string, long> _loggedAt = new(StringComparer.Ordinal);
    private long _total;

    /// <summary>All since the process started.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <param name="kind">A <see cref="ForgedKind"/>.</param>
    /// <param name="what">Its name, which a stranger may have chosen.</param>
    /// <param name="why">The fault.</param>
    public void Add(string kind, string what, string why)
    {
        Interlocked.Increment(ref _total);
        _counter.Add(1, new KeyValuePair<string, object?>("kind", kind));
        var now = time.GetTimestamp();
        if (!_loggedAt.TryGetValue(kind, out var last) || time.GetElapsedTime(last, now) >= s_logEvery)
        {
            _loggedAt[kind] = now;
            LogIgnored(kind, LoggedText.OneLine(what, MaxShown), LoggedText.OneLine(why, MaxShown), s_logEvery.TotalSeconds);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _counter.Begin("kind", ForgedKind.All);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "Ignored a forged {Kind} ({Name}): {Reason}. Others of this kind are not logged for {Seconds} s. If it is one of this cluster's own, compare Security:GatewayKey and the clocks of its processes.")]
    private partial void LogIgnored(string kind, string name, string reason, double seconds);
}
