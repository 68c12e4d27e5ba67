namespace SseApp.Tests.Infrastructure;

public static class Eventually
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(10);

    public static Task Async(Func<bool> condition, TimeSpan timeout, string what) =>
        Async(() => Task.FromResult(condition()), timeout, what);

    /// <exception cref="TimeoutException">The condition did not become true in time; the message names <paramref name="what"/>.</exception>
    public static async Task Async(Func<Task<bool>> condition, TimeSpan timeout, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > timeout)
            {
                throw new TimeoutException($"Waited {timeout.TotalSeconds:0.#} s in vain for {what}.");
            }

            await Task.Delay(s_poll, TimeProvider.System);
        }
    }
}
