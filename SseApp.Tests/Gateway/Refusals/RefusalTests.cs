using System.Text.RegularExpressions;

namespace SseApp.Tests.Gateway.Refusals;

public sealed partial class RefusalTests : GatewayTest
{
    [Theory]
    [InlineData("/events?topic=a")]
    [InlineData("/topics/a/events")]
    public async Task Without_replicas_an_EventSource_gets_a_stream_that_asks_it_to_reconnect(string path)
    {
        var gateway = await GatewayAsync();
        var retries = new HashSet<int>();
        for (var i = 0; i < 8; i++)
        {
            using var client = await StreamClient.OpenAsync(gateway.Client, path);
            var text = System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync());

            Assert.Equal(HttpStatusCode.OK, client.Response.StatusCode);
            Assert.Equal("text/event-stream", client.Response.Content.Headers.ContentType!.MediaType);
            Assert.Equal("no", Assert.Single(client.Response.Headers.GetValues("X-Accel-Buffering")));
            var block = UnavailableBlock().Match(text);
            Assert.True(block.Success, $"Not the expected block: {text}");
            using var data = JsonDocument.Parse(block.Groups["data"].Value);
            Assert.Equal("no-replica", data.RootElement.GetProperty("reason").GetString());
            var retry = int.Parse(block.Groups["retry"].Value, CultureInfo.InvariantCulture);
            Assert.Equal(retry, data.RootElement.GetProperty("retryAfterMs").GetInt32());
            Assert.InRange(retry, 200, 400);
            retries.Add(retry);
        }

        Assert.True(retries.Count > 1, "Every client was asked to reconnect at the same moment.");
    }

    [Theory]
    [InlineData("*/*")]
    [InlineData("application/json")]
    [InlineData("text/plain")]
    public async Task Without_replicas_everybody_else_gets_503_with_problem_details(string accept)
    {
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client, accept: accept);

        await AssertProblemAsync(client.Response, HttpStatusCode.ServiceUnavailable, "no-replica");
    }

    [Theory]
    [InlineData("*/*")]
    [InlineData("text/event-stream")]
    public async Task A_publish_that_reached_no_replica_says_that_nothing_is_stored(string accept)
    {
        var gateway = await GatewayAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/publish") { Content = new StringContent("x") };
        request.Headers.Accept.ParseAdd(accept);

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        await AssertProblemAsync(response, HttpStatusCode.ServiceUnavailable, "no-replica", "not-stored");
    }

    [Fact]
    public async Task When_every_replica_refuses_connections_streams_are_refused_softly_and_publishes_with_502()
    {
        var dead = await OriginAsync("r1");
        var gateway = await GatewayAsync(("ReplicaHealth:FailTimeout", "00:00:00.050"), ("ReplicaHealth:Interval", "00:10:00"));
        await dead.KillAsync();

        using var client = await StreamClient.OpenAsync(gateway.Client);
        Assert.Contains("event: stream.unavailable\ndata: {\"reason\":\"replica-unreachable\"", System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);

        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the failed replica to be tried again");
        using var content = new StringContent("x");
        using var response = await gateway.Client.PostAsync("/topics/a/events", content, Cancellation);
        await AssertProblemAsync(response, HttpStatusCode.BadGateway, "replica-unreachable", "not-stored");
    }

    [Fact]
    public async Task A_replica_that_never_answers_is_a_timeout()
    {
        await TcpOriginAsync("r1", (_, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken));
        var gateway = await GatewayAsync(("Upstream:ActivityTimeout", "00:00:01"), ("ReplicaHealth:FailTimeout", "00:00:00.050"));

        using var client = await StreamClient.OpenAsync(gateway.Client);
        Assert.Contains("\"reason\":\"replica-timeout\"", System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
        using var response = await gateway.Client.GetAsync("/topics/a", Cancellation);
        await AssertProblemAsync(response, HttpStatusCode.GatewayTimeout, "replica-timeout");

        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the silent replica to be tried again");
        using var content = new StringContent("x");
        using var published = await gateway.Client.PostAsync("/topics/a/events", content, Cancellation);
        await AssertProblemAsync(published, HttpStatusCode.GatewayTimeout, "replica-timeout", "unknown");
    }

    [Fact]
    public async Task A_replica_that_does_not_take_a_request_is_given_up_after_the_activity_timeout()
    {
        // It reads the head and no more: what the buffers between cannot hold stays at the gateway.
        await TcpOriginAsync("r1", (_, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken));
        var gateway = await GatewayAsync(("Upstream:ActivityTimeout", "00:00:01"));

        using var content = new ByteArrayContent(new byte[15 * 1024 * 1024]);
        using var published = await gateway.Client.PostAsync("/topics/a/events", content, Cancellation);

        await AssertProblemAsync(published, HttpStatusCode.GatewayTimeout, "replica-timeout", "unknown");
    }

    [Fact]
    public async Task A_status_that_a_replica_answers_itself_passes_unchanged()
    {
        await TcpOriginAsync("r1", async (socket, cancellationToken) => await socket.SendAsync(
            "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nRetry-After: 9\r\n\r\nbusy"u8.ToArray(), cancellationToken));
        var gateway = await GatewayAsync();

        using var response = await gateway.Client.GetAsync("/topics/a", Cancellation);

        Assert.Equal("busy", await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(9, response.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
    }

    [Theory]
    [InlineData(429, "too-many-requests")]
    [InlineData(500, "replica-error")]
    [InlineData(502, "replica-unreachable")]
    [InlineData(503, "replica-unavailable")]
    [InlineData(504, "replica-timeout")]
    public async Task A_status_of_a_service_that_would_close_an_EventSource_becomes_a_soft_refusal(int status, string reason)
    {
        await TcpOriginAsync("r1", async (socket, cancellationToken) => await socket.SendAsync(
            System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 {status} No\r\nContent-Length: 4\r\nRetry-After: 9\r\nConnection: close\r\n\r\nbusy"), cancellationToken));
        var gateway = await GatewayAsync();

        using var client = await StreamClient.OpenAsync(gateway.Client);
        var block = UnavailableBlock().Match(System.Text.Encoding.UTF8.GetString(await client.ReadToEndAsync()));
        Assert.Equal(HttpStatusCode.OK, client.Response.StatusCode);
        Assert.Contains($"\"reason\":\"{reason}\"", block.Groups["data"].Value, StringComparison.Ordinal);
        Assert.InRange(int.Parse(block.Groups["retry"].Value, CultureInfo.InvariantCulture), 9_200, 9_400);

        using var other = await StreamClient.OpenAsync(gateway.Client, accept: "*/*");
        Assert.Equal(status, (int)other.Response.StatusCode);
        Assert.Equal("busy", System.Text.Encoding.UTF8.GetString(await other.ReadToEndAsync()));
    }

    [Theory]
    [InlineData(204)]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(404)]
    public async Task A_status_that_is_the_services_last_word_stays_so_for_an_EventSource(int status)
    {
        await TcpOriginAsync("r1", async (socket, cancellationToken) => await socket.SendAsync(
            System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 {status} No\r\n{(status == 204 ? "" : "Content-Length: 0\r\n")}\r\n"), cancellationToken));
        var gateway = await GatewayAsync();

        using var client = await StreamClient.OpenAsync(gateway.Client);
        Assert.Equal(status, (int)client.Response.StatusCode);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_and_says_what_the_limit_is()
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync(("Limits:MaxRequestBodyBytes", "1024"));
        using var refusals = new MetricProbe(gateway, "sse_refusals_total");
        using var content = new StringContent(new string('x', 2000));
        using var response = await gateway.Client.PostAsync("/publish", content, Cancellation);
        Assert.Empty(origin.Requests);
        await AssertTooLargeAsync(response);

        using var request = new HttpRequestMessage(HttpMethod.Post, "/publish") { Content = new StringContent(new string('x', 2000)) };
        request.Headers.TransferEncodingChunked = true;
        using var chunked = await gateway.Client.SendAsync(request, Cancellation);
        await AssertTooLargeAsync(chunked);
        Assert.Equal(2, refusals.Sum);
    }

    [Fact]
    public async Task An_unknown_path_is_404_with_problem_details()
    {
        var gateway = await GatewayAsync();
        using var response = await gateway.Client.GetAsync("/nowhere", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
    }

    private static async Task AssertTooLargeAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("larger than 1024 bytes", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private static async Task AssertProblemAsync(HttpResponseMessage response, HttpStatusCode status, string reason, string? outcome = null)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 4);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.Equal(reason, problem.GetProperty("reason").GetString());
        Assert.InRange(problem.GetProperty("retryAfterMs").GetInt32(), 200, 400);
        Assert.Equal(outcome, problem.TryGetProperty("outcome", out var found) ? found.GetString() : null);
        Assert.NotEmpty(problem.GetProperty("traceId").GetString()!);
    }

    [GeneratedRegex("^retry: (?<retry>[0-9]+)\nevent: stream\\.unavailable\ndata: (?<data>\\{.*\\})\n\n$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UnavailableBlock();
}
