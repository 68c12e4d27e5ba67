namespace SseApp.Tests.Gateway.Relay;

/// <summary>Clients that share an HTTP/2 connection to the gateway and do not read, until the policy of their replica acts.</summary>
public sealed class StalledHttp2Tests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Events = 60;
    private const int EventBytes = 20_000;
    // Less than the backlog: a reader that is only late for a moment is not slow.
    private const int BatchEvents = 6;
    private const int Streams = 20;

    private readonly string _prefix = Guid.NewGuid().ToString("N");
    private readonly TestCertificate _certificate = new();

    [Theory]
    [InlineData("disconnect", true)]
    [InlineData("dropoldest", true)]
    [InlineData("conflate", false)]
    public async Task One_stream_that_is_not_read_holds_up_no_other_and_gets_what_its_policy_says(string policy, bool secure)
    {
        var replica = await ReplicaAsync(policy);
        var gateway = await StartGatewayAsync();
        await using var shared = await Http2Client.ConnectAsync(Address(gateway, secure));
        await using var alone = await Http2Client.ConnectAsync(Address(gateway, secure));
        var stalled = await shared.OpenAsync("topic=big", reads: false);
        var beside = await shared.OpenAsync("topic=big");
        var apart = await alone.OpenAsync("topic=big");

        var sent = await PublishAsync(replica, beside, apart);

        if (policy == "disconnect")
        {
            var (got, reset) = await RestAsync(stalled);
            Assert.True(reset, "The stream ended as if nothing were missing.");
            var again = await shared.OpenAsync("topic=big", stalled.LastEventId);
            Assert.Equal(sent, got.Concat(await DataAsync(again, Events - got.Count)));
        }
        else
        {
            await stalled.ResumeAsync();
            var (got, missing) = await UntilLastAsync(stalled, sent[^1]);
            if (policy == "conflate")
            {
                Assert.Empty(missing);
                Assert.Equal(sent[^3..], got[^3..]);
                Assert.True(got.Count < Events, "Nothing was conflated.");
            }
            else
            {
                Assert.NotEmpty(missing);
                Assert.Equal(sent, sent.Where((data, i) => got.Contains(data) || missing.Contains(i + 1)));
                Assert.Equal(Events, got.Count + missing.Count);
            }
        }

        await PublishAsync(replica, beside, apart);
    }

    [Theory]
    [InlineData("streams")]
    [InlineData("connection")]
    [InlineData("socket")]
    public async Task A_connection_that_is_not_read_holds_up_no_other_and_resumes_without_a_loss(string stalls)
    {
        var replica = await ReplicaAsync("disconnect");
        var gateway = await StartGatewayAsync();
        using var slow = replica.Collect("sse_slow_consumers_total");
        await using var client = await Http2Client.ConnectAsync(
            Address(gateway, secure: false), boundedConnection: stalls == "connection", receiveBuffer: stalls == "socket" ? 4 * 1024 : 0);
        await using var other = await Http2Client.ConnectAsync(Address(gateway, secure: false));
        var stalled = new List<Http2Stream>();
        for (var i = 0; i < Streams; i++)
        {
            stalled.Add(await client.OpenAsync("topic=big", reads: stalls == "socket"));
        }

        var reader = await other.OpenAsync("topic=big");
        if (stalls == "socket")
        {
            await client.PauseSocketAsync();
        }

        var sent = await PublishAsync(replica, reader);
        await UntilAsync(() => slow.GetMeasurementSnapshot().Sum(measurement => measurement.Value) == Streams, "all of the streams to be counted as slow");
        await UntilAsync(() => RelayTests.Links(gateway).Sum(link => link.Count) == 1, "the gateway to let go of them");

        if (stalls == "socket")
        {
            client.ResumeSocket();
        }

        await client.SendWindowAsync(0, 1 << 29);
        foreach (var stream in stalled)
        {
            var (got, _) = await RestAsync(stream);
            var again = await client.OpenAsync("topic=big", stream.LastEventId);
            Assert.Equal(sent, got.Concat(await DataAsync(again, Events - got.Count)));
        }

        await PublishAsync(replica, reader);
        Assert.Null(client.Ended);
    }

    protected override ValueTask DisposeOwnAsync()
    {
        _certificate.Dispose();
        return default;
    }

    private static Uri Address(GatewayHost gateway, bool secure) =>
        secure ? gateway.SecureAddress : gateway.Addresses.Single(address => address.Scheme == Uri.UriSchemeHttp);

    private static async Task<string[]> PublishAsync(EventsHost replica, params Http2Stream[] readers)
    {
        var round = Guid.NewGuid().ToString("N");
        string[] sent = [.. Enumerable.Range(0, Events).Select(i => $"{round} {i} {new string('x', EventBytes)}")];
        for (var first = 0; first < Events; first += BatchEvents)
        {
            var reading = readers.Select(reader => DataAsync(reader, BatchEvents)).ToArray();
            for (var i = first; i < first + BatchEvents; i++)
            {
                (await replica.PublishAsync("big", sent[i], string.Create(CultureInfo.InvariantCulture, $"?key=k{i % 3}"))).Dispose();
            }

            foreach (var received in await Task.WhenAll(reading))
            {
                Assert.Equal(sent[first..(first + BatchEvents)], received);
            }
        }

        return sent;
    }

    private static async Task<List<string>> DataAsync(Http2Stream stream, int count)
    {
        var data = new List<string>();
        while (data.Count < count)
        {
            data.Add((await stream.NextAsync() ?? throw new InvalidOperationException($"The stream ended after {data.Count} of {count} events.")).Data);
        }

        return data;
    }

    /// <summary>Whole events up to the end, and whether that was a reset.</summary>
    private static async Task<(List<string> Data, bool Reset)> RestAsync(Http2Stream stream)
    {
        var data = new List<string>();
        try
        {
            while (await stream.NextAsync() is { } next)
            {
                data.Add(next.Data);
            }

            return (data, false);
        }
        catch (Http2StreamResetException)
        {
            return (data, true);
        }
    }

    /// <summary>Data up to the one given, and the offsets that gaps say are missing.</summary>
    private static async Task<(List<string> Data, HashSet<int> Missing)> UntilLastAsync(Http2Stream stream, string last)
    {
        var data = new List<string>();
        var missing = new HashSet<int>();
        while (data.Count == 0 || data[^1] != last)
        {
            var next = await stream.NextAsync();
            Assert.NotNull(next);
            if (next.Type == "stream.gap")
            {
                using var gap = JsonDocument.Parse(next.Data);
                Assert.Equal("overflow", gap.RootElement.GetProperty("reason").GetString());
                var (from, to) = (gap.RootElement.GetProperty("from").GetInt32(), gap.RootElement.GetProperty("to").GetInt32());
                missing.UnionWith(Enumerable.Range(from, to - from + 1));
            }
            else
            {
                data.Add(next.Data);
            }
        }

        return (data, missing);
    }

    private async Task<EventsHost> ReplicaAsync(string policy) => Own(await EventsHost.StartAsync(
        redis,
        _prefix,
        [
            ("Streaming:MaxBacklogBytes", "262144"),
            ("Streaming:MaxBacklogAge", "00:10:00"),
            ("Streaming:CloseTimeout", "00:00:00.200"),
            ("Streaming:Overflow:0:Pattern", "big"),
            ("Streaming:Overflow:0:Policy", policy),
        ]));

    private async Task<GatewayHost> StartGatewayAsync()
    {
        var gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = _prefix,
            ["Relay:ConnectionsPerReplica"] = "1",
            ["Relay:CloseTimeout"] = "00:00:00.200",
            ["Kestrel:EndpointDefaults:Protocols"] = "Http2",
            ["Tls:CertificateFile"] = _certificate.CertificateFile,
            ["Tls:KeyFile"] = _certificate.KeyFile,
            ["Tls:Urls"] = "https://127.0.0.1:0",
            ["Tls:Redirect"] = "false",
        }));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        return gateway;
    }
}
