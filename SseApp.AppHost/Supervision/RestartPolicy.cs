namespace SseApp.AppHost.Supervision;

/// <summary>
/// Section <c>Restart</c>: what happens when a process ends that nobody stopped, or runs on but hangs. <c>Restart:events:…</c>,
/// <c>Restart:gateway:…</c>, <c>Restart:redis:…</c> (the embedded server) and <c>Restart:archive:…</c> (the local PostgreSQL) apply to one resource only.
/// </summary>
internal sealed class RestartPolicy
{
    public const string SectionName = "Restart";

    /// <summary>Defaults of the embedded Redis and the local PostgreSQL: everybody waits for them, and what is only in Redis' memory ends with it.</summary>
    public static void OfServers(RestartPolicy policy) => (policy.Delay, policy.HungAfter) = (TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    /// <summary>Whether processes are restarted at all. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Time between the end and the new start (PM2's <c>restart_delay</c>). The embedded Redis and the local PostgreSQL have 1 s unless it is set. Default 4 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>A process that ran for less than this crashed at its start (PM2's <c>min_uptime</c>). Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan MinUptime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>After so many crashes at the start in a row it stays down (PM2's <c>max_restarts</c>). 1 to 1 000; default 10.</summary>
    [Range(1, 1000)]
    public int MaxRestarts { get; set; } = 10;

    /// <summary>Doubles the delay with each crash at the start in a row, up to <see cref="MaxDelay"/>. Default false.</summary>
    public bool Exponential { get; set; }

    /// <summary>Longest delay when <see cref="Exponential"/>. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A process that has not answered <c>/alive</c> for this long hangs: it is killed and started again, without
    /// <see cref="Delay"/>. So is a replica that the gateway finds frozen, sooner. Not while it starts (<see cref="StartLimit"/>), nor under a debugger.
    /// The embedded Redis and the local PostgreSQL are asked in their own protocols, and have 1 min unless it is set. 0: never. Default 30 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan HungAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A process that has not answered <c>/alive</c> even once this long after its start hangs, too. 0: never. Default 5 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan StartLimit { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// A replica whose work has waited longer than <see cref="SlowLimit"/> in each heartbeat for this long is drained and
    /// restarted, if another replica has been within the limit for as long: one at a time, never the last, never all.
    /// 0: never. Default 0.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan SlowAfter { get; set; }

    /// <summary>How long a replica's work may wait for a thread; see <see cref="SlowAfter"/>. 1 ms to 10 min; default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan SlowLimit { get; set; } = TimeSpan.FromMilliseconds(500);
}
