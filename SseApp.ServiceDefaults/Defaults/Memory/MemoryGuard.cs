using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>
/// Watches the working set and ends the process in good time, instead of leaving that to the kernel. A leak is much the
/// same in all processes, so they reach the limit together: a lease makes them leave one after the other.
/// </summary>
internal sealed partial class MemoryGuard(
    string lease,
    RedisLeases leases,
    ServiceExit exit,
    IOptions<MemoryGuardOptions> options,
    IOptions<DrainOptions> drain,
    TimeProvider time,
    ILogger<MemoryGuard> logger) : BackgroundService
{
    // Added to the drain of the leaving process, so that its successor is ready before the next one leaves.
    private static readonly TimeSpan s_start = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(1);
    private readonly string _owner = Guid.NewGuid().ToString("N");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Limit.Bytes == 0)
        {
            return;
        }

        foreach (var warning in new[] { MemoryRoom.Warning(options.Value.Limit, MemoryRoom.Limit), MemoryRoom.HeapWarning(options.Value.Limit, MemoryRoom.HeapLimit) }.OfType<string>())
        {
            LogRoom(warning);
        }

        var pause = options.Value.Duration / 10;
        using var timer = new PeriodicTimer(pause < s_longestPause ? pause : s_longestPause, time);
        var excess = new MemoryExcess(options.Value);
        var reported = false;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var bytes = Environment.WorkingSet;
            switch (excess.Next(bytes, time.GetElapsedTime(0)))
            {
                case MemoryVerdict.Fine:
                    reported = false;
                    continue;
                case MemoryVerdict.Collect:
                    LogCollecting(new ByteSize(bytes), options.Value.Limit);
                    HeapCompaction.GiveBack();
                    continue;
                case MemoryVerdict.Wait:
                    continue;
            }

            if (!reported)
            {
                reported = true;
                LogExceeded(new ByteSize(bytes), options.Value.Limit, options.Value.Duration.TotalSeconds);
            }

            // At twice the limit there may be no time to wait. Below it the process waits for its turn as long as it takes: a lease
            // always ends, and while Redis is unavailable a successor could not become ready.
            if (bytes > 2 * options.Value.Limit.Bytes || await IsMyTurnAsync(stoppingToken))
            {
                LogLeaving(ExitCodes.MemoryGuard);
                exit.Request(ExitCodes.MemoryGuard);
                return;
            }
        }
    }

    private async Task<bool> IsMyTurnAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await leases.TryAcquireAsync(lease, _owner, drain.Value.Window + s_start, cancellationToken);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            LogNoLease(exception);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Information, "The working set of {WorkingSet} is above MemoryGuard:Limit ({Limit}); garbage is collected before it counts.")]
    private partial void LogCollecting(ByteSize workingSet, ByteSize limit);

    [LoggerMessage(LogLevel.Warning, "The working set of {WorkingSet} has been above MemoryGuard:Limit ({Limit}) for {Seconds:0.#} s, without garbage; this process ends when it is its turn.")]
    private partial void LogExceeded(ByteSize workingSet, ByteSize limit, double seconds);

    [LoggerMessage(LogLevel.Warning, "Draining because of the memory limit; the exit code will be {ExitCode}.")]
    private partial void LogLeaving(int exitCode);

    [LoggerMessage(LogLevel.Warning, "{Warning}")]
    private partial void LogRoom(string warning);

    [LoggerMessage(LogLevel.Debug, "Redis does not answer, so the memory guard waits.")]
    private partial void LogNoLease(Exception exception);
}
