using SseApp.Gateway.Limits;
using SseApp.Gateway.Relay;
using SseApp.Gateway.Replicas;

namespace SseApp.Tests.Gateway.Relay;

/// <summary>What clients see when a replica, or the connection to it, fails at any moment.</summary>
public sealed class RelayFaultTests : GatewayTest
{
    [Fact]
    public async Task A_request_goes_elsewhere_when_the_connection_breaks_before_the_response()
    {
        var broken = await RelayOriginAsync("r1", async (stream, _, cancellation) =>
            await RelayOrigin.ReadOpenAsync(stream, cancellation));
        await OriginAsync("r2");
        var gateway = await GatewayAsync(("Balancing:Policy", "RoundRobin"));

        for (var i = 0; i < 3; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
            await client.ReadUntilAsync("\"replica\":\"r2\"");
        }

        Assert.True(broken.Requests > 0, "The broken replica was not tried.");
    }

    [Fact]
    public async Task A_connection_that_breaks_ends_its_streams_cleanly_and_takes_the_replica_out()
    {
        var release = new TaskCompletionSource();
        await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            for (var i = 0; i < 3; i++)
            {
                RelayOrigin.Begin(output, (await RelayOrigin.ReadOpenAsync(stream, cancellation)).Id, $"stream {i}");
            }

            await release.Task.WaitAsync(cancellation);
        });
        var gateway = await GatewayAsync(("Relay:ConnectionsPerReplica", "1"), ("ReplicaHealth:FailTimeout", "00:01:00"), ("ReplicaHealth:Interval", "00:10:00"));
        using var lost = new MetricProbe(gateway, "sse_gateway_streams_lost_total");
        var clients = new List<StreamClient>();
        for (var i = 0; i < 3; i++)
        {
            clients.Add(await StreamClient.OpenAsync(gateway.Client));
            await clients[i].ReadUntilAsync($"data: stream {i}\n\n");
        }

        await OriginAsync("r2");
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the other replica");
        release.SetResult();

        foreach (var client in clients)
        {
            // Throws when the stream is cut instead of ended.
            await client.ReadToEndAsync();
            client.Dispose();
        }

        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the broken replica to be taken out");
        await UntilAsync(() => lost.Sum == 3, "each of the three streams to count as lost");
    }

    [Fact]
    public async Task A_replica_that_falls_silent_ends_its_streams()
    {
        await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            RelayOrigin.Begin(output, (await RelayOrigin.ReadOpenAsync(stream, cancellation)).Id, "last words");
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        });
        var gateway = await GatewayAsync(("Relay:PingInterval", "00:00:00.100"), ("Relay:PingTimeout", "00:00:00.500"));
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("last words");

        await client.ReadToEndAsync();
    }

    [Fact]
    public async Task A_client_that_does_not_take_the_rest_of_a_stream_that_has_ended_is_cut()
    {
        await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            var id = (await RelayOrigin.ReadOpenAsync(stream, cancellation)).Id;
            RelayOrigin.Begin(output, id, "first");
            var much = new SendBuffer(1 << 20);
            much.Advance(1 << 20);
            var frame = 0L;
            for (var i = 0; i < 32; i++)
            {
                var sent = output.AppendData(id, ref frame, much);
                output.Flush();
                await sent;
            }

            output.Append(RelayFrameType.End, id, static (writer, ended) =>
            {
                RelayHeaders.WriteNumber(writer, ended);
                RelayHeaders.WriteNumber(writer, 1);
            });
            output.Flush();
            while (await RelayOrigin.ReadAsync(stream, cancellation) is not null)
            {
                // The connection stays; only its stream has ended.
            }
        });
        var gateway = await GatewayAsync(("Relay:CloseTimeout", "00:00:00.200"));
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("first");

        var counts = gateway.Services.GetRequiredService<StreamCounts>();
        await UntilAsync(() => counts.Streams == 0, "the stream of the client that reads nothing to be over");
    }

    [Fact]
    public async Task Damaged_frames_end_the_connection_and_its_streams()
    {
        await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            RelayOrigin.Begin(output, (await RelayOrigin.ReadOpenAsync(stream, cancellation)).Id, "before");
            await output.WhenSentAsync();
            await stream.WriteAsync(new byte[] { 255, 255, 255, 255, 17, 1, 2, 3 }, cancellation);
            Assert.Null(await RelayOrigin.ReadAsync(stream, cancellation));
        });
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);

        Assert.EndsWith("data: before\n\n", System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_that_refuses_the_connection_gets_a_request_for_each_stream()
    {
        var origin = await OriginAsync("r1", record => record with { Relay = RelayProtocol.Version });
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);

        await client.ReadUntilAsync("stream.open");

        Assert.Equal(1, origin.OpenStreams);
    }

    [Fact]
    public async Task A_replica_that_accepts_and_never_answers_is_given_up_for_another()
    {
        var mute = TcpOrigin.Start((_, cancellation) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation));
        Own(mute);
        await Registry.WriteAsync(mute.Record("r1") with { Relay = RelayProtocol.Version }, announce: true, Cancellation);
        await OriginAsync("r2");
        var gateway = await GatewayAsync(("Balancing:Policy", "RoundRobin"), ("Upstream:ConnectTimeout", "00:00:00.300"));
        for (var i = 0; i < 2; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client);
            await client.ReadUntilAsync("\"replica\":\"r2\"");
        }

        Assert.True(mute.Requests > 0, "The mute replica was not tried.");
    }

    [Fact]
    public async Task The_replica_learns_what_a_request_of_its_own_would_tell_it_and_that_the_client_left()
    {
        var opened = new TaskCompletionSource<RelayOpen>();
        var closed = new TaskCompletionSource<int>();
        var replica = await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            var open = await RelayOrigin.ReadOpenAsync(stream, cancellation);
            opened.SetResult(open);
            RelayOrigin.Begin(output, open.Id, "hello");
            var (type, body) = (await RelayOrigin.ReadAsync(stream, cancellation))!.Value;
            Assert.Equal(RelayFrameType.Close, type);
            closed.SetResult(BitConverter.ToInt32(body));
        });
        var gateway = await GatewayAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/events?topic=a%2Fb&topic=c");
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        request.Headers.TryAddWithoutValidation("Last-Event-ID", "position");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer token");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", "203.0.113.9");
        request.Headers.TryAddWithoutValidation("Origin", "https://example.org");
        var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        var open = await opened.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);

        Assert.Equal("/events?topic=a%2Fb&topic=c", open.Target);
        var headers = open.Headers.ToLookup(header => header.Key, header => header.Value, StringComparer.OrdinalIgnoreCase);
        Assert.Equal("position", Assert.Single(headers["Last-Event-ID"]));
        Assert.Equal("Bearer token", Assert.Single(headers["Authorization"]));
        Assert.Equal("https://example.org", Assert.Single(headers["Origin"]));
        Assert.Equal(replica.Address.Authority, Assert.Single(headers["Host"]));
        Assert.Equal(gateway.Address.Authority, Assert.Single(headers["X-Forwarded-Host"]));
        Assert.Equal("127.0.0.1", Assert.Single(headers["X-Forwarded-For"]));
        Assert.Equal("127.0.0.1", Assert.Single(headers["X-Real-IP"]));

        response.Dispose();
        Assert.Equal(open.Id, await closed.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation));
    }

    [Fact]
    public async Task A_replica_that_returns_under_its_id_at_another_address_is_connected_to_anew_and_the_old_connections_are_forgotten()
    {
        var release = new TaskCompletionSource();
        await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            RelayOrigin.Begin(output, (await RelayOrigin.ReadOpenAsync(stream, cancellation)).Id, "old");
            await release.Task.WaitAsync(cancellation);
        });
        var gateway = await GatewayAsync(("Relay:PingInterval", "00:00:00.100"), ("ReplicaHealth:MaxFails", "0"));
        using var before = await StreamClient.OpenAsync(gateway.Client);
        await before.ReadUntilAsync("data: old");

        var back = await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            RelayOrigin.Begin(output, (await RelayOrigin.ReadOpenAsync(stream, cancellation)).Id, "new");
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        });
        await UntilAsync(() => gateway.Get<ReplicaDirectory>().Replicas.Single().Address == back.Address, "the new address to be known");
        release.SetResult();
        await before.ReadToEndAsync();
        using var after = await StreamClient.OpenAsync(gateway.Client);
        await after.ReadUntilAsync("data: new");

        await UntilAsync(() => gateway.Get<RelayPools>().All.All(pool => pool.Address == back.Address), "the old connections to be forgotten");
    }

    [Fact]
    public async Task Relay_connections_cannot_be_made_through_the_gateway()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var response = await gateway.Client.SendAsync(HttpMethod.Get, RelayProtocol.Path, ("Connection", "Upgrade"), ("Upgrade", RelayProtocol.Upgrade));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }
}
