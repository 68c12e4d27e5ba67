using System.Net.Sockets;
using System.Text;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Gateway.Relay;

[Collection<RunsAlone>]
public sealed class RelayManyStreamsTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Streams = 5_000;

    // Objects of client, gateway and replica together, which share this process; about 30 KiB are usual.
    private const long MaxBytesPerStream = 64 * 1024;

    [Fact]
    public async Task Five_thousand_streams_take_bounded_memory_and_those_after_them_no_more()
    {
        var prefix = Guid.NewGuid().ToString("N");
        var replica = Own(await EventsHost.StartAsync(redis, prefix));
        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["ReplicaRegistry:KeyPrefix"] = prefix,
            ["Limits:StreamsPerAddress"] = "0",
            ["Limits:ConnectsPerSecond"] = "0",
        }));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        using var active = replica.Collect("sse_active_connections");

        // Code is compiled and pools are filled by the first ones.
        await RoundAsync(200, measure: null);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var open = 0L;
        await RoundAsync(Streams, () =>
        {
            open = GC.GetTotalMemory(forceFullCollection: true);
            Assert.Equal(Streams, RelayTests.Links(gateway).Sum(link => link.Count));
        });
        Assert.InRange((open - before) / Streams, 0, MaxBytesPerStream);

        var first = open;
        await RoundAsync(Streams, () => open = GC.GetTotalMemory(forceFullCollection: true));
        Assert.True(open - before < (first - before) * 1.25, $"{first - before} bytes for the first streams, {open - before} for as many after they left.");

        async Task RoundAsync(int streams, Action? measure)
        {
            var clients = new List<Socket>();
            try
            {
                for (var i = 0; i < streams; i++)
                {
                    clients.Add(await OpenAsync(gateway.Address));
                }

                (await replica.PublishAsync("many", "for everybody")).Dispose();
                foreach (var client in clients)
                {
                    await ReadUntilAsync(client, "for everybody");
                }

                measure?.Invoke();
            }
            finally
            {
                clients.ForEach(client => client.Dispose());
            }

            await Eventually.Async(
                () =>
                {
                    active.RecordObservableInstruments();
                    return active.LastMeasurement!.Value == 0 && RelayTests.Links(gateway).Sum(link => link.Count) == 0;
                },
                TimeSpan.FromSeconds(30),
                "all streams to be freed");
        }
    }

    private static async Task<Socket> OpenAsync(Uri address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, Cancellation);
        await socket.SendAsync("GET /events?topic=many HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"u8.ToArray(), Cancellation);
        await ReadUntilAsync(socket, "stream.open");
        return socket;
    }

    private static async Task ReadUntilAsync(Socket socket, string awaited)
    {
        var buffer = new byte[4096];
        var text = "";
        while (!text.Contains(awaited, StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
            Assert.True(read > 0, $"The stream ended before \"{awaited}\" came; received: {text}");
            text += Encoding.UTF8.GetString(buffer, 0, read);
        }
    }
}
