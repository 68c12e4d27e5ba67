using SseApp.Events.Http;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Tests.Events.Publishing;

/// <summary>Publishes take memory before they use it, get a clear answer where there is none, and give all of it back.</summary>
public sealed class PublishMemoryTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_batch_is_answered_at_its_first_item_too_many_without_waiting_for_the_rest()
    {
        await using var host = await EventsHost.StartAsync(redis);
        foreach (var (start, item) in new[] { ("[", "0,"), ("", "0\n") })
        {
            using var socket = await SendAsync(host, $"{start}{string.Concat(Enumerable.Repeat(item, 1_001))}");

            var problem = RawHttp.AssertProblem(400, await RawHttp.ReadAsync(socket, until: "}"));
            Assert.Contains("1000 items", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_batch_that_would_store_too_much_is_refused_as_a_whole()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Publishing:MaxBatchBytes", "3000"));
        using var refusals = host.Collect("sse_publishes_refused_total");
        var data = new string('x', 992);

        using var most = await BatchAsync(host, $$"""{"topics":["a","b","c"],"data":"{{data}}"}""");
        using var more = await BatchAsync(host, $$"""[{"topic":"d","data":"first"},{"topics":["a","b","c"],"data":"{{data}}"}]""");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.RequestEntityTooLarge), (most.StatusCode, more.StatusCode));
        Assert.Contains("Publishing:MaxBatchBytes", (await more.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal((1, 0), (await LastAsync(host, "a"), await LastAsync(host, "d")));
        Assert.Equal(1, Count(refusals, "batch-too-large"));
    }

    [Fact]
    public async Task Without_memory_a_batch_is_503_busy_while_single_events_are_stored()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Memory:RequestBudget", "2MB"));
        using var refusals = host.Collect("sse_publishes_refused_total");
        var budget = host.Get<RequestBudget>();
        var item = $$"""{"topic":"held","data":"{{new string('x', 60_000)}}"}""" + "\n";
        using (await SendAsync(host, string.Concat(Enumerable.Repeat(item, 24))))
        {
            await Eventually.Async(() => budget.Used > 1_400_000, s_limit, "a batch to hold the memory of all");

            using var busy = await BatchAsync(host, string.Concat(Enumerable.Repeat(item, 3)));
            using var single = await host.PublishAsync("single", new string('x', 60_000));

            Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.Created), (busy.StatusCode, single.StatusCode));
            var problem = await busy.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
            Assert.Equal(("busy", PublishOutcome.NotStored), (problem.GetProperty("reason").GetString(), problem.GetProperty("outcome").GetString()));
            Assert.NotNull(busy.Headers.RetryAfter?.Delta);
            Assert.Equal(1, Count(refusals, "busy"));
        }

        await Eventually.Async(() => budget.Used == 0, s_limit, "the memory of the one that left");
        using var again = await BatchAsync(host, string.Concat(Enumerable.Repeat(item, 20)));
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(20, await LastAsync(host, "held"));

        // Not "busy": that would be so for ever.
        using var hopeless = await BatchAsync(host, string.Concat(Enumerable.Repeat(item, 40)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, hopeless.StatusCode);
        Assert.Equal((20, 0L), (await LastAsync(host, "held"), budget.Used));
    }

    [Fact]
    public async Task What_is_announced_takes_no_memory_before_it_comes()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Memory:RequestBudget", "1MB"));
        var sockets = new List<Socket>();
        for (var i = 0; i < 40; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            await socket.ConnectAsync(host.Address.Host, host.Address.Port, Cancellation);
            await socket.SendAsync("POST /topics/a/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65000\r\n\r\nx"u8.ToArray(), Cancellation);
        }

        var budget = host.Get<RequestBudget>();
        await Eventually.Async(() => budget.Used >= 40 * 1024, s_limit, "all bodies to begin");
        Assert.InRange(budget.Used, 40 * 1024, 40 * 4096);
        sockets.ForEach(socket => socket.Dispose());
        await Eventually.Async(() => budget.Used == 0, s_limit, "the memory of those who left");
    }

    [Fact]
    public async Task A_body_that_does_not_come_in_time_is_408_and_holds_nothing_any_more()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Publishing:BodyTimeout", "00:00:01"));
        using var refusals = host.Collect("sse_publishes_refused_total");
        foreach (var path in (string[])["/topics/slow/events", "/publish"])
        {
            using var socket = await SendAsync(host, """{"topic":"slow","data":"x"}""" + "\n", path);

            RawHttp.AssertProblem(408, await RawHttp.ReadAsync(socket, until: "}"));
        }

        Assert.Equal((2, 0L, 0), (Count(refusals, "body-too-slow"), host.Get<RequestBudget>().Used, await LastAsync(host, "slow")));
    }

    [Theory]
    [InlineData("/topics/a/events", "text", 201)]
    [InlineData("/topics/a/events", "\u00FF", 400)]
    [InlineData("/topics/$/events", "x", 400)]
    [InlineData("/topics/a/events", null, 413)]
    [InlineData("/topics/broken/events", "x", 409)]
    [InlineData("/publish", """{"topic":"a","data":"x"}""", 200)]
    [InlineData("/publish", """[{"topic":"a","data":"x"},""", 400)]
    [InlineData("/publish", """{"topics":["broken","a"],"data":"\n"}""", 200)]
    [InlineData("/publish", """{"topic":"broken","data":"x"}""", 409)]
    public async Task Every_answer_gives_the_memory_back(string path, string? body, int status)
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Publishing:MaxEventBytes", "100"));
        await using var connection = await redis.ConnectAsync();
        await connection.GetDatabase().StringSetAsync($"{host.Prefix}:{{broken}}:counter", "no hash");
        foreach (var chunked in (bool[])[false, true])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.Latin1.GetBytes(body ?? new string('x', 101))) };
            request.Headers.TransferEncodingChunked = chunked;
            using var answer = await host.Client.SendAsync(request, Cancellation);

            Assert.Equal(status, (int)answer.StatusCode);
            // The answer may be here before its request is over.
            await Eventually.Async(() => host.Get<RequestBudget>().Used == 0, s_limit, "the memory of the request");
        }
    }

    /// <summary>More events than go to Redis at once: all are stored in their order.</summary>
    [Fact]
    public async Task A_batch_of_many_topics_is_stored_whole_and_in_order()
    {
        await using var host = await EventsHost.StartAsync(redis);
        var topics = string.Join(',', Enumerable.Range(0, 64).Select(i => $"\"t{i}\""));

        using var answer = await BatchAsync(host, string.Join('\n', Enumerable.Range(0, 100).Select(i => $$"""{"topics":[{{topics}}],"data":"{{i}}"}""")));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var results = (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(100, results.Length);
        for (var i = 0; i < results.Length; i++)
        {
            Assert.All(results[i].GetProperty("events").EnumerateArray(), stored => Assert.Equal(i + 1, stored.GetProperty("offset").GetInt32()));
            Assert.Equal((i, 64), (results[i].GetProperty("index").GetInt32(), results[i].GetProperty("events").GetArrayLength()));
        }
    }

    private static Task<HttpResponseMessage> BatchAsync(EventsHost host, string body) => host.Client.PostAsync("/publish", new StringContent(body), Cancellation);

    private static async Task<int> LastAsync(EventsHost host, string topic) =>
        (await host.Client.GetFromJsonAsync<JsonElement>($"/topics/{topic}", Cancellation)).GetProperty("lastOffset").GetInt32();

    private static long Count(Microsoft.Extensions.Diagnostics.Metrics.Testing.MetricCollector<long> counter, string reason) =>
        counter.GetMeasurementSnapshot().Where(measured => Equals(measured.Tags["reason"], reason)).Sum(measured => measured.Value);

    /// <summary>Sends the start of a body that has no end.</summary>
    private static async Task<Socket> SendAsync(EventsHost host, string part, string path = "/publish")
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.Address.Host, host.Address.Port, Cancellation);
        var head = $"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{part.Length:x}\r\n";
        await socket.SendAsync(Encoding.Latin1.GetBytes($"{head}{part}\r\n"), Cancellation);
        return socket;
    }
}
