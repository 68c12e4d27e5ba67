namespace SseApp.AppHost.Supervision;

/// <summary>
/// Section <c>Restart</c>: what happens when a process ends that nobody stopped. <c>Restart:events:…</c> and
/// <c>Restart:gateway:…</c> apply to one resource only.
/// </summary>
internal sealed class RestartPolicy
{
    public const string SectionName = "Restart";

    /// <summary>Whether processes are restarted at all. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Time between the end and the new start (PM2's <c>restart_delay</c>). Default 4 s.</summary>
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
}
