using Microsoft.AspNetCore.Connections;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.ServiceDefaults.Defaults.Descriptors;

public sealed class AcceptGateTests : GatewayTest
{
    [Fact]
    public void Further_ones_wait_while_as_many_as_there_are_places_have_no_answer()
    {
        var gate = new AcceptGate(new FakeTimeProvider());
        var slots = Fill(gate);
        Assert.True(gate.IsFull());

        slots[^1].OnFirstAnswer();
        slots[^1].OnFirstAnswer();
        Assert.Equal(gate.Places - 1, gate.Unanswered);
        Assert.False(gate.IsFull());

        gate.Enter(new ConnectionSlot(new DefaultConnectionContext(), null));
        Assert.True(gate.IsFull());
        slots[0].Close();
        Assert.False(gate.IsFull());
    }

    [Fact]
    public void Who_has_no_answer_for_long_keeps_nobody_out()
    {
        var time = new FakeTimeProvider();
        var gate = new AcceptGate(time);
        Fill(gate);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.False(gate.IsFull());
        Assert.Equal(0, gate.Unanswered);
    }

    [Fact]
    public async Task Waiting_ends_also_when_nobody_is_answered()
    {
        var gate = new AcceptGate(new FakeTimeProvider());
        Fill(gate);

        await gate.WaitAsync(Cancellation);

        Assert.True(gate.IsFull());
    }

    [Fact]
    public async Task A_request_that_is_answered_has_no_place_while_its_connection_lasts()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var answer = await gateway.Client.GetAsync("/topics/a", Cancellation);

        await Eventually.Async(() => gateway.Get<AcceptGate>().Unanswered == 0, TimeSpan.FromSeconds(10), "its place to be free");
    }

    [Fact]
    public async Task Clients_that_connect_and_say_nothing_keep_nobody_out()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync();
        var gate = gateway.Get<AcceptGate>();
        var silent = Enumerable.Range(0, 2 * gate.Places).Select(_ => new Socket(SocketType.Stream, ProtocolType.Tcp)).ToList();
        try
        {
            foreach (var socket in silent)
            {
                await socket.ConnectAsync(IPAddress.Loopback, gateway.Address.Port, Cancellation);
            }

            using var answer = await gateway.Client.GetAsync("/topics/a", Cancellation);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            await Eventually.Async(() => !gate.IsFull(), TimeSpan.FromSeconds(10), "places of those that say nothing to be free");
        }
        finally
        {
            silent.ForEach(static socket => socket.Dispose());
        }
    }

    private static List<ConnectionSlot> Fill(AcceptGate gate)
    {
        var slots = Enumerable.Range(0, gate.Places).Select(_ => new ConnectionSlot(new DefaultConnectionContext(), null)).ToList();
        slots.ForEach(gate.Enter);
        return slots;
    }
}
