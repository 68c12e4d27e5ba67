namespace SseApp.Tests.Matrix;

/// <summary>EventSources of npm's package and of Chromium behind the gateway, and everything a replica can do to them.</summary>
public sealed class EventSourceMatrixTests(RedisServer redis, ITestOutputHelper output) : IClassFixture<RedisServer>
{
    [LongFact]
    public async Task Nobody_is_closed_for_ever_and_nothing_is_lost()
    {
        await using var run = await MatrixRun.StartAsync(redis, output, nodeClients: 500, chromiumClients: 50);

        foreach (var fault in Enum.GetValues<PipeFault>().Where(fault => fault != PipeFault.None))
        {
            await run.BreakAsync(fault);
        }

        await run.DrainAsync();
        await run.KillAllAsync(TimeSpan.FromSeconds(5));
        await run.FinishAsync();
    }

    /// <summary>A request of its own for each stream: the same promises, kept by other code.</summary>
    [LongFact]
    public async Task Nobody_is_closed_for_ever_and_nothing_is_lost_without_the_relay()
    {
        await using var run = await MatrixRun.StartAsync(redis, output, nodeClients: 100, chromiumClients: 10, ("Relay:Enabled", "false"));

        foreach (var fault in (PipeFault[])[PipeFault.Refuse, PipeFault.CutBeforeHeaders, PipeFault.CutInEvent])
        {
            await run.BreakAsync(fault);
        }

        await run.KillAllAsync(TimeSpan.FromSeconds(3));
        await run.FinishAsync();
    }
}
