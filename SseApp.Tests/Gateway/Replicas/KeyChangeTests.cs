using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.Tests.Chaos;

namespace SseApp.Tests.Gateway.Replicas;

/// <summary>All processes of a cluster get another key, one after the other, as docs/operations.md describes it.</summary>
public sealed class KeyChangeTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Clients = 8;

    private readonly string _prefix = Guid.NewGuid().ToString("N");
    private readonly string _url = $"http://127.0.0.1:{Ports.Next()}";
    private readonly List<EventsHost> _replicas = [];
    private GatewayHost? _gateway;

    [Fact]
    public async Task The_key_changes_under_load_and_no_event_is_lost()
    {
        await redis.RequireAsync();
        await RestartAsync(ClusterKey.Text, previous: "");
        using var client = new HttpClient { BaseAddress = new Uri(_url) };
        using var topic = new NumberedTopic("news", client);
        var receipts = Enumerable.Range(0, Clients).Select(i => new Receipt(topic, i)).ToArray();
        var streams = receipts.Select(receipt => Own(EventSourceClient.Open(client, "/events?topic=news", received => receipt.Add(received.Data)))).ToArray();
        await UntilAsync(() => streams.All(stream => stream.Opened == 1), "all streams to open");
        using var ending = new CancellationTokenSource();
        var published = PublishAsync(topic, ending.Token);

        await RestartAsync(ClusterKey.Other, previous: ClusterKey.Text);
        await RestartAsync(ClusterKey.Other, previous: "");

        var before = topic.Count;
        await UntilAsync(() => topic.Count > before + 20, "more events after the last restart");
        await ending.CancelAsync();
        await published;
        await UntilAsync(() => Array.TrueForAll(receipts, receipt => receipt.Last == topic.Count - 1), "every event to arrive");
        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }

        Assert.All(receipts, receipt => Assert.Null(receipt.FindFault()));
    }

    protected override async ValueTask DisposeOwnAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }
    }

    private async Task RestartAsync(string key, string previous)
    {
        for (var i = 0; i < 2; i++)
        {
            if (_replicas.Count > i)
            {
                await _replicas[i].DisposeAsync();
                _replicas.RemoveAt(i);
            }

            _replicas.Insert(i, await EventsHost.StartAsync(
                redis,
                _prefix,
                (ClusterKey.Setting, key),
                ("Security:PreviousGatewayKey", previous),
                ("ReplicaRegistry:HeartbeatInterval", "00:00:00.100"),
                ("Streaming:RetryMin", "00:00:00.100"),
                ("Streaming:RetryMax", "00:00:00.300")));
            if (_gateway is not null)
            {
                await UntilAsync(() => _gateway.AvailableReplicas() == 2, "the gateway to find both replicas");
            }
        }

        if (_gateway is not null)
        {
            // Nobody was taken for a stranger.
            Assert.Equal(0, _gateway.Get<ForgedRecords>().Total);
            await _gateway.DisposeAsync();
        }

        _gateway = await GatewayHost.StartAsync(
            null,
            new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
            {
                ["ConnectionStrings:redis"] = redis.ConnectionString,
                ["Cluster:KeyPrefix"] = _prefix,
                [ClusterKey.Setting] = key,
                ["Security:PreviousGatewayKey"] = previous,
            },
            url: _url);
        await UntilAsync(() => _gateway.AvailableReplicas() == 2, "the gateway to find both replicas");
        Assert.All(_replicas, replica => Assert.Equal(0, replica.Get<ForgedRecords>().Total));
    }

    private static async Task PublishAsync(NumberedTopic topic, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await topic.PublishAsync(Cancellation);
        }
    }
}
