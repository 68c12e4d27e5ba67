namespace SseApp.Tests.Gateway.Streams;

public sealed class StreamForwardingTests : GatewayTest
{
    [Fact]
    public async Task Each_event_reaches_the_client_before_the_next_is_sent()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);

        await client.ReadUntilAsync("stream.open");
        for (var i = 1; i <= 20; i++)
        {
            origin.Send($"id: {i}\ndata: event {i}\n\n");
            await client.ReadUntilAsync($"data: event {i}\n\n");
        }

        origin.EndStreams();
        Assert.EndsWith("data: event 20\n\n", System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_stream_keeps_its_headers_and_gains_none()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);

        var response = client.Response;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no", Assert.Single(response.Headers.GetValues("X-Accel-Buffering")));
        Assert.Equal(["identity"], response.Content.Headers.ContentEncoding);
        Assert.True(response.Headers.CacheControl!.NoTransform);
        Assert.False(response.Headers.Contains("Server"), "The gateway must not name its server.");
    }

    [Fact]
    public async Task A_client_that_leaves_frees_the_replica_at_once()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("stream.open");
        Assert.Equal(1, origin.OpenStreams);

        client.Dispose();

        await UntilAsync(() => origin.OpenStreams == 0, "the replica's stream to end after the client left");
    }

    [Fact]
    public async Task Heartbeats_keep_a_stream_beyond_the_activity_timeout()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Upstream:ActivityTimeout", "00:00:04"));
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("stream.open");

        // A busy machine may be a second or two late with a beat; that must not look like a missing one.
        for (var i = 1; i <= 6; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, Cancellation);
            origin.Send($": beat {i}\n");
            await client.ReadUntilAsync($": beat {i}\n");
        }
    }

    [Fact]
    public async Task Resume_position_query_and_topic_names_reach_the_replica_unchanged()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var response = await gateway.Client.SendAsync(HttpMethod.Post, "/topics/news%2Fsports:1/events?event=a%20b&x=%C3%A4", ("Last-Event-ID", "abc.12-34_5"), ("Idempotency-Key", "k 1"));

        Assert.Equal("r1", await response.Content.ReadAsStringAsync(Cancellation));
        var seen = Assert.Single(origin.Requests);
        Assert.Equal("/topics/news%2Fsports:1/events", seen.Path);
        Assert.Equal("abc.12-34_5", seen.Headers["Last-Event-ID"]);
        Assert.Equal("k 1", seen.Headers["Idempotency-Key"]);
        // A replica is asked under its own name, whatever the client's was.
        Assert.Equal(origin.Address.Authority, seen.Headers["Host"]);
        Assert.Equal(gateway.Address.Authority, seen.Headers["X-Forwarded-Host"]);
    }
}
