namespace SseApp.Tests.Infrastructure;

/// <summary>
/// Waits for conditions. Time in which programs waited for a core of a busy machine does not count against a limit, up to two
/// minutes of it: limits are about the product.
/// </summary>
public static class Eventually
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(10);
    // A question to another process takes CPU time that it may need to get there.
    private static readonly TimeSpan s_pollAsked = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_maxStarved = TimeSpan.FromMinutes(2);

    /// <exception cref="TimeoutException">The condition did not become true in time; the message names <paramref name="what"/>.</exception>
    public static Task Async(Func<bool> condition, TimeSpan timeout, string what) =>
        Async(() => Task.FromResult(condition()), timeout, what, s_poll);

    /// <exception cref="TimeoutException">The condition did not become true in time; the message names <paramref name="what"/>.</exception>
    public static Task Async(Func<Task<bool>> condition, TimeSpan timeout, string what) =>
        Async(condition, timeout, what, s_pollAsked);

    /// <summary>For what is promised within seconds: asks often.</summary>
    /// <exception cref="TimeoutException">The condition did not become true in time; the message names <paramref name="what"/>.</exception>
    public static Task PromptlyAsync(Func<Task<bool>> condition, TimeSpan promise, string what) =>
        Async(condition, promise, what, s_poll);

    private static async Task Async(Func<Task<bool>> condition, TimeSpan timeout, string what, TimeSpan poll)
    {
        var started = TimeProvider.System.GetTimestamp();
        var pressure = CpuPressure.Total;
        while (!await condition())
        {
            var elapsed = TimeProvider.System.GetElapsedTime(started);
            if (elapsed > timeout && CpuPressure.Total - pressure is var starved && elapsed > timeout + (starved < s_maxStarved ? starved : s_maxStarved))
            {
                throw new TimeoutException($"Waited {elapsed.TotalSeconds:0.#} s in vain for {what} (limit: {timeout.TotalSeconds:0.#} s; short of CPU time: {starved.TotalSeconds:0.#} s).");
            }

            await Task.Delay(poll, TimeProvider.System);
        }
    }
}
