namespace SseApp.Tests.Infrastructure;

public static class Eventually
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(10);
    // A question to another process costs that process the time that it needs to get there.
    private static readonly TimeSpan s_pollAsked = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_starvedLimit = TimeSpan.FromMinutes(1);

    public static Task Async(Func<bool> condition, TimeSpan timeout, string what) =>
        Async(() => Task.FromResult(condition()), timeout, what, s_poll);

    /// <exception cref="TimeoutException">The condition did not become true in time; the message names <paramref name="what"/>.</exception>
    public static Task Async(Func<Task<bool>> condition, TimeSpan timeout, string what) =>
        Async(condition, timeout, what, s_pollAsked);

    /// <summary>
    /// For what is promised within a time: time in which programs waited for a core of a busy machine does not count, up to a
    /// minute of it.
    /// </summary>
    /// <exception cref="TimeoutException">The condition did not become true in time; the message names <paramref name="what"/>.</exception>
    public static Task PromptlyAsync(Func<Task<bool>> condition, TimeSpan promise, string what)
    {
        var before = CpuPressure.Total;
        return Async(condition, () => promise + TimeSpan.FromTicks(Math.Min((CpuPressure.Total - before).Ticks, s_starvedLimit.Ticks)), what, s_poll);
    }

    private static Task Async(Func<Task<bool>> condition, TimeSpan timeout, string what, TimeSpan poll) => Async(condition, () => timeout, what, poll);

    private static async Task Async(Func<Task<bool>> condition, Func<TimeSpan> timeout, string what, TimeSpan poll)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > timeout())
            {
                throw new TimeoutException($"Waited {timeout().TotalSeconds:0.#} s in vain for {what}.");
            }

            await Task.Delay(poll, TimeProvider.System);
        }
    }
}
