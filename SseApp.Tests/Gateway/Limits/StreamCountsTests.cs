using SseApp.Gateway.Limits;
using SseApp.Gateway.Requests;

namespace SseApp.Tests.Gateway.Limits;

public sealed class StreamCountsTests
{
    [Fact]
    public void Limits_hold_and_nothing_remains_of_clients_that_left() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[0, 12], Gen.Select(Gen.Int[0, 5], Gen.Bool).Array[1, 200]).Sample((perClient, inAll, steps) =>
        {
            var counts = new StreamCounts(inAll);
            var open = new Dictionary<int, int>();
            foreach (var (client, enter) in steps)
            {
                var has = open.GetValueOrDefault(client);
                if (enter)
                {
                    var expected = inAll > 0 && open.Values.Sum() >= inAll ? StreamAdmission.GatewayFull
                        : has >= perClient ? StreamAdmission.ClientFull
                        : StreamAdmission.Admitted;
                    Assert.Equal(expected, counts.TryEnter(Key(client), perClient));
                    open[client] = has + (expected == StreamAdmission.Admitted ? 1 : 0);
                }
                else if (has > 0)
                {
                    counts.Leave(Key(client), perClient);
                    open[client] = has - 1;
                }

                Assert.Equal(open.Values.Sum(), counts.Streams);
                Assert.Equal(open.Values.Count(value => value > 0), counts.Clients);
            }
        });

    private static ClientKey Key(int client) => ClientKey.OfAddress(new IPAddress([10, 0, 0, (byte)client]), 64);
}
