using SseApp.Tests.Chaos;

namespace SseApp.Tests.EndToEnd;

/// <summary>The proxies of docs/proxies.md, as configured there, in front of a gateway.</summary>
public sealed class ProxyTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private const int Events = 20;
    private const int Streams = 1000;
    private const int Reloaded = 40;
    private const int SilenceLimit = 3;


    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongTheory]
    [InlineData("nginx")]
    [InlineData("HAProxy")]
    [InlineData("Caddy")]
    [InlineData("Apache")]
    [InlineData("Varnish")]
    public async Task Events_come_at_once_and_idle_streams_stay_and_so_do_they_when_the_proxy_reloads(string name)
    {
        var cluster = await shared.WholeAsync(new ServiceClusterOptions
        {
            Replicas = 1,
            Settings = [("Streaming:HeartbeatInterval", "00:00:01"), ("Proxies:Known:0", "127.0.0.1"), ("Limits:ConnectionsPerAddress", "0")],
        });
        await using var proxy = await DocumentedProxy.StartAsync(name, cluster.Gateway.Address, SilenceLimit);
        using var client = new HttpClient(From(IPAddress.Parse("127.0.0.7"))) { BaseAddress = proxy.Address, Timeout = Timeout.InfiniteTimeSpan };
        var topic = $"proxy-{name}";

        // Each is here before the next one is published, and the gateway knows who reads it.
        await using var reader = await SseReader.OpenAsync(client, $"/events?topic={topic}");
        await reader.OpenedAsync();
        for (var i = 0; i < Events; i++)
        {
            await PublishAsync(client, topic, $"{i}");
            Assert.Equal($"{i}", (await reader.NextAsync())?.Data);
        }

        using var operators = OperatorAccess.Client(cluster.Gateway.Admin);
        var streams = await operators.GetFromJsonAsync<JsonElement>($"/admin/connections?topic={topic}", Cancellation);
        Assert.Equal("127.0.0.7", Assert.Single(streams.GetProperty("connections").EnumerateArray()).GetProperty("client").GetString());

        // Longer than the proxy bears silence, while a thousand others open.
        var opened = Stopwatch.GetTimestamp();
        using (var many = await SocketStreams.OpenAsync(proxy.Address, $"{topic}-many", Streams))
        {
            await PublishAsync(client, $"{topic}-many", "to all");
            await many.ReadUntilAsync("to all");
        }

        for (var beats = 0; beats < 2 * SilenceLimit || Stopwatch.GetElapsedTime(opened).TotalSeconds < 2 * SilenceLimit; beats++)
        {
            Assert.Equal(":", (await reader.NextRawAsync())?.Type);
        }

        // Whoever was away gets what came meanwhile.
        await using (var resumed = await SseReader.OpenAsync(client, $"/events?topic={topic}", reader.LastEventId))
        {
            await PublishAsync(client, topic, "after the idle time");
            Assert.Equal("after the idle time", (await reader.NextAsync())?.Data);
            await resumed.OpenedAsync();
            Assert.Equal("after the idle time", (await resumed.NextAsync())?.Data);
        }

        await using var load = await ChaosLoad.StartAsync(proxy.Address, Reloaded);
        await load.AcknowledgedAsync(100);
        await proxy.ReloadAsync();
        await load.AcknowledgedAsync(500);
        await load.FinishAsync();
        load.AssertFaultless(receipt => receipt.FindFault());
        Assert.Equal(Reloaded, load.Opened);
    }

    private static async Task PublishAsync(HttpClient client, string topic, string data)
    {
        using var answer = await client.PostAsync($"/topics/{topic}/events", new StringContent(data), Cancellation);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }

    private static SocketsHttpHandler From(IPAddress address) => new()
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                socket.Bind(new IPEndPoint(address, 0));
                await socket.ConnectAsync(IPAddress.Parse(context.DnsEndPoint.Host), context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };
}
