using SseApp.Gateway.Relay;

namespace SseApp.Tests.Gateway.Relay;

/// <summary>Streams of real replicas through the real gateway, over relay connections.</summary>
public sealed class RelayTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Many_streams_share_few_connections_and_each_gets_everything_in_order()
    {
        var replica = await ReplicaAsync();
        var gateway = await StartGatewayAsync(1, ("Relay:ConnectionsPerReplica", "2"));
        var readers = new List<SseReader>();
        for (var i = 0; i < 40; i++)
        {
            var reader = Own(await SseReader.OpenAsync(gateway.Client, i % 2 == 0 ? "/events?topic=all" : $"/events?topic=all&topic=own-{i}"));
            await reader.OpenedAsync();
            readers.Add(reader);
        }

        var links = Links(gateway);
        Assert.Equal(2, links.Length);
        Assert.Equal(40, links.Sum(link => link.Count));
        string[] sent = [.. Enumerable.Range(0, 50).Select(i => $"event {i}")];
        foreach (var data in sent)
        {
            (await replica.PublishAsync("all", data)).Dispose();
        }

        foreach (var reader in readers)
        {
            Assert.Equal<string[]>(sent, [.. await reader.DataAsync(sent.Length)]);
        }
    }

    [Fact]
    public async Task A_client_that_leaves_frees_its_stream_in_the_replica()
    {
        var replica = await ReplicaAsync();
        var gateway = await StartGatewayAsync(1);
        using var active = replica.Collect("sse_active_connections");
        var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=a");
        await reader.OpenedAsync();

        await reader.DisposeAsync();

        await UntilAsync(
            () =>
            {
                active.RecordObservableInstruments();
                return active.LastMeasurement!.Value == 0 && Links(gateway).Sum(link => link.Count) == 0;
            },
            "the stream to be freed");
    }

    [Fact]
    public async Task What_is_no_stream_comes_with_its_status_headers_and_body()
    {
        await ReplicaAsync();
        var gateway = await StartGatewayAsync(1);

        using var answer = await gateway.Client.GetAsync("/events", Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Contains("at least one topic", problem.RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Single(Links(gateway));
    }

    [Fact]
    public async Task What_is_empty_arrives_and_the_same_credential_counts_on_every_way()
    {
        (string, string)[] settings = [.. Tokens.Settings, ("Security:PublicTopics:0", "news.*")];
        var replica = await ReplicaAsync(settings);
        var relayed = await StartGatewayAsync(1, settings);
        var forwarded = await StartGatewayAsync(1, [.. settings, ("Relay:Enabled", "false")]);
        var token = Tokens.Make(["orders.*"]);
        var cookie = $"Cookie: __Host-sse_token={token}";
        foreach (var (status, query, headers) in new (int, string, string[])[]
        {
            (401, "topic=news.1", ["Authorization:"]),
            (401, "topic=news.1", ["Authorization: ", "Authorization: "]),
            (401, "topic=orders.1", ["Authorization:", cookie]),
            (401, "topic=orders.1", ["Authorization:", cookie, "Origin: https://evil.example"]),
            (401, "topic=orders.1", ["Authorization: Bearer", cookie]),
            (401, "topic=orders.1", [$"Authorization: Bearer {token}", "Authorization:"]),
            (401, "topic=news.1", ["Cookie: __Host-sse_token="]),
            (200, "topic=news.1", ["Cookie: __Host-sse_token"]),
            (200, "topic=news.1", ["Cookie:"]),
            (401, "topic=news.1&ticket=", []),
            (401, "topic=news.1&ticket", []),
            (200, "topic=orders.1&ticket=", [cookie]),
            (401, "topic=orders.1&ticket=", ["Authorization:", cookie]),
        })
        {
            foreach (var address in new[] { replica.Address, relayed.Address, forwarded.Address })
            {
                var lines = string.Concat(headers.Select(static header => header + "\r\n"));
                var answer = await RawHttp.AskAsync(address, $"GET /events?{query} HTTP/1.1\r\nHost: {address.Authority}\r\n{lines}\r\n", until: "\r\n\r\n");
                Assert.Equal((status, query, lines, address), (int.Parse(answer.Split(' ')[1], CultureInfo.InvariantCulture), query, lines, address));
            }
        }
    }

    [Fact]
    public async Task A_replica_that_stops_ends_its_streams_with_the_last_chunk_and_the_client_goes_on_elsewhere()
    {
        var leaving = await ReplicaAsync();
        var gateway = await StartGatewayAsync(1);
        using var lost = new MetricProbe(gateway, "sse_gateway_streams_lost_total");
        using var stream = await RawStream.ConnectAsync(gateway.Address);
        await stream.OpenAsync("topic=a");
        (await leaving.PublishAsync("a", "one")).Dispose();
        Assert.Equal("one", (await stream.NextAsync())?.Data);
        await ReplicaAsync();
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the second replica");

        await leaving.StopAsync();

        // The reconnection time may come first; null is the last chunk.
        Assert.Null(await stream.NextAsync());
        await stream.OpenAsync("topic=a");
        Assert.Equal(0, lost.Sum);
    }

    [Fact]
    public async Task A_gateway_that_stops_ends_its_streams_with_the_last_chunk_and_frees_them_in_the_replica()
    {
        var replica = await ReplicaAsync();
        var gateway = await StartGatewayAsync(1);
        using var active = replica.Collect("sse_active_connections");
        using var stream = await RawStream.ConnectAsync(gateway.Address);
        await stream.OpenAsync("topic=a");

        await gateway.StopAsync();

        Assert.Null(await stream.NextAsync());
        await UntilAsync(
            () =>
            {
                active.RecordObservableInstruments();
                return active.LastMeasurement!.Value == 0;
            },
            "the stream to be freed");
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_and_does_not_hold_up_the_stop_of_the_gateway()
    {
        var replica = await ReplicaAsync(("Streaming:MaxBacklogBytes", "67108864"));
        var gateway = await StartGatewayAsync(1, ("Relay:CloseTimeout", "00:00:00.200"), ("Drain:Window", "00:00:30"));
        using var stalled = await RawStream.ConnectAsync(gateway.Address, receiveBuffer: 4 * 1024);
        await stalled.OpenAsync("topic=big");
        using var backlog = replica.Collect("sse_backlog_bytes");
        for (var i = 0; i < 200; i++)
        {
            (await replica.PublishAsync("big", new string('x', 50_000))).Dispose();
        }

        await UntilAsync(
            () =>
            {
                backlog.RecordObservableInstruments();
                return backlog.LastMeasurement!.Value > 0;
            },
            "the replica to hold back");

        await gateway.StopAsync().WaitAsync(TimeSpan.FromSeconds(15), TimeProvider.System, Cancellation);
    }

    [Fact]
    public async Task A_connection_that_is_full_gets_another_one_beside_it()
    {
        var replica = await ReplicaAsync(("Relay:MaxStreamsPerConnection", "3"));
        var gateway = await StartGatewayAsync(1, ("Relay:ConnectionsPerReplica", "1"));
        using var refusals = replica.Collect("sse_refusals_total");
        var readers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => SseReader.OpenAsync(gateway.Client, "/events?topic=a")));
        foreach (var reader in readers)
        {
            Own(reader);
            await reader.OpenedAsync();
        }

        var links = Links(gateway);
        Assert.InRange(links.Length, 4, 10);
        Assert.Equal(10, links.Sum(link => link.Count));
        Assert.All(links, link => Assert.InRange(link.Count, 1, 3));
        Assert.Empty(refusals.GetMeasurementSnapshot());
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_up_nobody_and_gets_every_byte_when_it_reads()
    {
        var replica = await ReplicaAsync(("Streaming:MaxBacklogBytes", "67108864"), ("Streaming:MaxBacklogAge", "00:10:00"));
        var gateway = await StartGatewayAsync(1, ("Relay:ConnectionsPerReplica", "1"));
        using var slow = await RawStream.ConnectAsync(gateway.Address, receiveBuffer: 4 * 1024);
        await slow.OpenAsync("topic=big");
        using var quick = await RawStream.ConnectAsync(gateway.Address);
        await quick.OpenAsync("topic=big");
        using var backlog = replica.Collect("sse_backlog_bytes");
        string[] sent = [.. Enumerable.Range(0, 200).Select(i => $"{i} {new string('x', 50_000)}")];
        var reading = ReadAsync(quick, sent.Length);
        foreach (var data in sent)
        {
            (await replica.PublishAsync("big", data)).Dispose();
        }

        Assert.Equal(sent, await reading);
        backlog.RecordObservableInstruments();
        Assert.True(backlog.LastMeasurement!.Value > 0, "The replica was not asked to hold back, so the gateway holds all of it.");
        Assert.Equal(sent, await ReadAsync(slow, sent.Length));
    }

    [Fact]
    public async Task A_client_that_never_reads_is_disconnected_by_the_policy_of_the_replica()
    {
        var replica = await ReplicaAsync(("Streaming:MaxBacklogBytes", "65536"), ("Streaming:CloseTimeout", "00:00:00.200"));
        var gateway = await StartGatewayAsync(1);
        using var active = replica.Collect("sse_active_connections");
        using var slow = replica.Collect("sse_slow_consumers_total");
        using var stalled = await RawStream.ConnectAsync(gateway.Address, receiveBuffer: 4 * 1024);
        await stalled.OpenAsync("topic=big");
        for (var i = 0; i < 300; i++)
        {
            (await replica.PublishAsync("big", new string('x', 60_000))).Dispose();
        }

        await UntilAsync(
            () =>
            {
                active.RecordObservableInstruments();
                return active.LastMeasurement!.Value == 0;
            },
            "the stalled client to be disconnected");
        Assert.Contains(slow.GetMeasurementSnapshot(), measurement => measurement.Value == 1 && (string?)measurement.Tags["policy"] == "disconnect");
        await UntilAsync(() => Links(gateway).Sum(link => link.Count) == 0, "the gateway to let go of it");
    }

    [Fact]
    public async Task Clients_of_both_protocol_versions_and_two_gateways_get_the_same()
    {
        var replica = await ReplicaAsync();
        var first = await StartGatewayAsync(1, ("Kestrel:EndpointDefaults:Protocols", "Http2"));
        var second = await StartGatewayAsync(1);
        using var http2 = new HttpClient { BaseAddress = first.Address, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        SseReader[] readers =
        [
            Own(await SseReader.OpenAsync(http2, "/events?topic=a")),
            Own(await SseReader.OpenAsync(http2, "/events?topic=a")),
            Own(await SseReader.OpenAsync(second.Client, "/events?topic=a")),
        ];
        foreach (var reader in readers)
        {
            await reader.OpenedAsync();
        }

        string[] sent = [.. Enumerable.Range(0, 100).Select(i => $"{i} {new string('y', i * 100)}")];
        foreach (var data in sent)
        {
            (await replica.PublishAsync("a", data)).Dispose();
        }

        foreach (var reader in readers)
        {
            Assert.Equal<string[]>(sent, [.. await reader.DataAsync(sent.Length)]);
        }

        Assert.Equal(2, Links(first).Sum(link => link.Count));
    }

    [Theory]
    [InlineData("replica")]
    [InlineData("gateway")]
    public async Task It_can_be_switched_off_on_either_side(string side)
    {
        (string, string) off = ("Relay:Enabled", "false");
        await ReplicaAsync(side == "replica" ? [off] : []);
        var gateway = await StartGatewayAsync(1, side == "gateway" ? [off] : []);
        await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=a");
        await reader.OpenedAsync();
        Assert.Empty(Links(gateway));
    }

    internal static RelayClientConnection[] Links(GatewayHost gateway) =>
        [.. gateway.Get<RelayPools>().All.SelectMany(pool => pool.Links).Where(link => link.IsOpen)];

    private static async Task<string[]> ReadAsync(RawStream stream, int count)
    {
        var data = new List<string>();
        while (data.Count < count)
        {
            data.Add((await stream.NextAsync() ?? throw new InvalidOperationException($"The stream ended after {data.Count} of {count} events.")).Data);
        }

        return [.. data];
    }

    private async Task<EventsHost> ReplicaAsync(params (string, string)[] settings) =>
        Own(await EventsHost.StartAsync(redis, _prefix, settings));

    private Task<GatewayHost> StartGatewayAsync(int replicas, params (string Key, string Value)[] settings) => GatewayOnRedisAsync(redis, _prefix, replicas, settings);
}
