using SseApp.Tests.Chaos;

namespace SseApp.Tests.EndToEnd;

/// <summary>Two machines with a gateway each, and one address that Keepalived moves between them.</summary>
[Collection<RunsAlone>]
public sealed class VirtualAddressTests(VirtualAddressFixture cluster, ITestOutputHelper output) : IClassFixture<VirtualAddressFixture>
{
    private const int Warm = 250;
    private const int Streams = 200;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [LongFact]
    public Task The_address_of_a_killed_gateway_moves_and_every_stream_resumes_on_the_other_one() => MovesAsync(
        "killed", gateway => gateway.KillAsync(), _ => { });

    [LongFact]
    public Task The_address_of_a_gateway_that_is_stopped_moves_and_every_stream_resumes_on_the_other_one() => MovesAsync(
        "stopped",
        async gateway =>
        {
            gateway.Terminate();
            await gateway.WaitForExitAsync();
        },
        _ => { });

    [LongFact]
    public Task The_address_of_a_gateway_that_hangs_moves_and_stays_when_it_goes_on() => MovesAsync(
        "frozen",
        gateway =>
        {
            gateway.Freeze();
            return Task.CompletedTask;
        },
        gateway => gateway.Thaw());

    private async Task MovesAsync(string what, Func<ChildProcess, Task> fail, Action<ChildProcess> heal)
    {
        await cluster.WholeAsync();
        await using var load = await ChaosLoad.StartAsync(cluster.Address, Streams, cluster.Clients);
        await load.AcknowledgedAsync(Warm);
        var holder = cluster.Holder!.Value.Gateway;
        var process = cluster.GatewayProcesses[holder].Process;
        var opened = load.Opened;

        var since = Stopwatch.GetTimestamp();
        await fail(process);
        try
        {
            await Eventually.Async(() => cluster.Holder?.Gateway == 1 - holder, s_limit, $"the address to move; {cluster.Describe()}");
            var moved = Stopwatch.GetElapsedTime(since, cluster.Holder!.Value.Since);
            await Eventually.Async(() => load.LeastOpened > 1 && load.Opened >= opened + Streams, s_limit, "all streams to be open again");
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"A gateway was {what}: the address had moved after {moved.TotalSeconds:0.0} s, all {Streams} streams were open again after {Stopwatch.GetElapsedTime(since).TotalSeconds:0.0} s."));
            await load.AcknowledgedAsync(Warm);
        }
        finally
        {
            heal(process);
        }

        // It comes back without the address, and nobody notices.
        opened = load.Opened;
        await cluster.WholeAsync();
        await load.AcknowledgedAsync(Warm);
        Assert.Equal((1 - holder, opened), (cluster.Holder?.Gateway, load.Opened));
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
    }
}
