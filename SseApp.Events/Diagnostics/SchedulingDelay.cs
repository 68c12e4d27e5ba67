namespace SseApp.Events.Diagnostics;

/// <summary>
/// How long ready work waits for a thread: a timer that fires late says that the pool is busy, the processor is taken,
/// or the garbage collector held everything.
/// </summary>
internal sealed class SchedulingDelay(TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);

    private long _longest;

    /// <summary>The longest delay since the last call.</summary>
    public TimeSpan TakeLongest() => TimeSpan.FromTicks(Interlocked.Exchange(ref _longest, 0));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            await Task.Delay(s_interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Note(time.GetElapsedTime(started) - s_interval);
        }
    }

    private void Note(TimeSpan delay)
    {
        var longest = Interlocked.Read(ref _longest);
        while (delay.Ticks > longest && Interlocked.CompareExchange(ref _longest, delay.Ticks, longest) is var seen && seen != longest)
        {
            longest = seen;
        }
    }
}
