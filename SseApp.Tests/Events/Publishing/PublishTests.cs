using System.Net.Http.Headers;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Tests.Events.Publishing;

public sealed class PublishTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task A_repeated_idempotency_key_is_delivered_once_and_answered_the_same()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("keys");

        using var first = await host.PublishAsync("keys", "one", idempotencyKey: "k");
        using var again = await host.PublishAsync("keys", "one", idempotencyKey: "k");
        using var next = await host.PublishAsync("keys", "two");

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (first.StatusCode, again.StatusCode));
        Assert.Equal(await first.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), await again.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["one", "two"], await reader.DataAsync(2));
    }

    [Fact]
    public async Task A_counter_of_another_type_is_no_reason_to_come_again_but_one_to_ask_the_operator()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var refusals = host.Collect("sse_publishes_refused_total");
        await using var connection = await redis.ConnectAsync();
        foreach (var name in ForeignValues.Names.Where(name => name != "hash"))
        {
            await ForeignValues.PutAsync(connection.GetDatabase(), $"{host.Prefix}:{{mine}}:counter", name);
            using (var refused = await host.PublishAsync("mine", "x", idempotencyKey: "k"))
            {
                await AssertRefusedAsync(refused, HttpStatusCode.Conflict);
            }

            using (var batch = await BatchAsync("""[{"topic":"mine","data":"x"},{"topic":"mine","data":"y"}]"""))
            {
                var results = (await AssertRefusedAsync(batch, HttpStatusCode.Conflict)).GetProperty("results");
                Assert.All(results.EnumerateArray(), AssertItem);
            }

            using (var batch = await BatchAsync("""[{"topics":["mine","yours"],"data":"x"},{"topic":"yours","data":"y"}]"""))
            {
                var results = (await batch.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("results");
                AssertItem(results[0]);
                Assert.Equal("yours", Assert.Single(results[0].GetProperty("events").EnumerateArray()).GetProperty("topic").GetString());
                Assert.Equal(201, results[1].GetProperty("status").GetInt32());
            }
        }

        Assert.Equal(4 * (ForeignValues.Names.Length - 1), refusals.GetMeasurementSnapshot().Count(measured => measured.Value > 0 && (string?)measured.Tags["reason"] == "topic-key-foreign"));
        using (var deleted = await host.Operator.DeleteAsync("/topics/mine", TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        }

        using var stored = await host.PublishAsync("mine", "x", idempotencyKey: "k");
        Assert.Equal(HttpStatusCode.Created, stored.StatusCode);

        async Task<HttpResponseMessage> BatchAsync(string json) => await host.Client.PostAsync(
            "/publish", new StringContent(json, System.Text.Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);

        static void AssertItem(JsonElement item) => Assert.Equal(
            (409, "topic-key-foreign", "not-stored"), (item.GetProperty("status").GetInt32(), item.GetProperty("reason").GetString(), item.GetProperty("outcome").GetString()));

        static async Task<JsonElement> AssertRefusedAsync(HttpResponseMessage answer, HttpStatusCode status)
        {
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            Assert.Equal((status, null), (answer.StatusCode, answer.Headers.RetryAfter));
            Assert.Equal(("topic-key-foreign", "not-stored"), (problem.GetProperty("reason").GetString(), problem.GetProperty("outcome").GetString()));
            Assert.Contains("DELETE /topics/", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            return problem;
        }
    }

    [Fact]
    public async Task An_idempotency_key_is_forgotten_a_window_after_its_first_use_however_often_it_is_used()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("TopicLog:IdempotencyWindow", "00:00:02"));
        using var first = await host.PublishAsync("window", "one", idempotencyKey: "k");
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);

        // Each of these uses it again.
        await Eventually.Async(
            async () =>
            {
                using var again = await host.PublishAsync("window", "one", idempotencyKey: "k");
                return again.StatusCode == HttpStatusCode.Created;
            },
            TimeSpan.FromSeconds(30),
            "the key to be forgotten");

        var topic = JsonDocument.Parse(await host.Client.GetStringAsync("/topics/window", TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal(2, topic.GetProperty("lastOffset").GetInt64());
    }

    [Fact]
    public async Task A_key_of_one_client_does_not_swallow_the_event_of_another_who_uses_the_same()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var stranger = await PublishAsync(host, "203.0.113.7", "guess");
        using var owner = await PublishAsync(host, "203.0.113.8", "order");
        using var again = await PublishAsync(host, "203.0.113.8", "order");
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created, HttpStatusCode.OK), (stranger.StatusCode, owner.StatusCode, again.StatusCode));
        // All of a /64 is one client's.
        using var first = await PublishAsync(host, "2001:db8::1", "six");
        using var neighbour = await PublishAsync(host, "2001:db8::ffff", "six");
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (first.StatusCode, neighbour.StatusCode));
    }

    [Fact]
    public async Task A_client_has_so_many_keys_and_no_more_and_repeating_one_costs_none()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("TopicLog:MaxIdempotencyKeys", "3"));
        using var refusals = host.Collect("sse_publishes_refused_total");
        foreach (var key in new[] { "a", "b", "b", "b", "c" })
        {
            using var stored = await host.PublishAsync("keys", key, idempotencyKey: key);
            Assert.True(stored.IsSuccessStatusCode);
        }

        using var refused = await host.PublishAsync("keys", "d", idempotencyKey: "d");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal(("idempotency-keys", "not-stored"), (problem.GetProperty("reason").GetString(), problem.GetProperty("outcome").GetString()));
        Assert.Contains(refusals.GetMeasurementSnapshot(), refusal => refusal.Value > 0 && Equals(refusal.Tags["reason"], "idempotency-keys"));

        using var batch = await host.Client.PostAsync("/publish", new StringContent("""{"topic":"keys","data":"d","idempotencyKey":"d"}"""), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.TooManyRequests, batch.StatusCode);
        using var without = await host.PublishAsync("keys", "e");
        using var another = await PublishAsync(host, "203.0.113.9", "d");
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created), (without.StatusCode, another.StatusCode));
    }

    private static async Task<HttpResponseMessage> PublishAsync(EventsHost host, string client, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/topics/owned/events") { Content = new StringContent(client) };
        request.Headers.Add("X-Real-IP", client);
        request.Headers.Add("Idempotency-Key", key);
        // Only a gateway can say whom it serves.
        using var gateway = new HttpClient(new ClusterKey.Handler(host.Get<ReplicaIdentity>().Id, RequestPurpose.Client)) { BaseAddress = host.Address };
        return await gateway.SendAsync(request, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_key_outlives_the_log_that_its_event_was_in()
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var first = await host.PublishAsync("gone", "one", idempotencyKey: "k");
        using var deleted = await host.Admin.DeleteAsync("/topics/gone", TestContext.Current.CancellationToken);

        using var again = await host.PublishAsync("gone", "one", idempotencyKey: "k");

        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(await first.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), await again.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("/topics/a/events?event=stream.open", HttpStatusCode.BadRequest, "reserved")]
    [InlineData("/topics/a/events?event=a%0Ab", HttpStatusCode.BadRequest, "CR, LF and NUL")]
    [InlineData("/topics/a/events?event=a%00", HttpStatusCode.BadRequest, "CR, LF and NUL")]
    [InlineData("/topics/a/events?event=a&event=b", HttpStatusCode.BadRequest, "once")]
    [InlineData("/topics/$a/events", HttpStatusCode.BadRequest, "topic name")]
    public async Task A_bad_event_gets_the_rule_it_broke(string uri, HttpStatusCode status, string rule)
    {
        await using var host = await EventsHost.StartAsync(redis);
        using var answer = await host.Client.PostAsync(uri, new StringContent("x"), TestContext.Current.CancellationToken);

        await AssertProblemAsync(answer, status, rule);
    }

    [Fact]
    public async Task Data_has_a_limit_and_must_be_utf8()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Publishing:MaxEventBytes", "10"));
        using var largest = await host.PublishAsync("a", new string('x', 10));
        Assert.Equal(HttpStatusCode.Created, largest.StatusCode);

        using var tooLarge = await host.PublishAsync("a", new string('x', 11));
        await AssertProblemAsync(tooLarge, HttpStatusCode.RequestEntityTooLarge, "10 bytes");
        using var batch = await PublishBatchAsync(host, "application/json", $$"""[{"topic":"a","data":"{{new string('x', 11)}}"},{"topic":"a","data":"ok"}]""");
        var item = JsonDocument.Parse(await batch.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("results")[0];
        Assert.Equal(413, item.GetProperty("status").GetInt32());
        Assert.Contains("10 bytes", item.GetProperty("error").GetString(), StringComparison.Ordinal);
        using var notText = await host.Client.PostAsync("/topics/a/events", new ByteArrayContent([0xFF, 0xFE]), TestContext.Current.CancellationToken);
        await AssertProblemAsync(notText, HttpStatusCode.BadRequest, "UTF-8");
    }

    [Fact]
    public async Task A_topic_with_a_slash_is_published_to_and_described()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("eu/de");

        using var answer = await host.PublishAsync("eu/de", "x");

        Assert.Equal("x", (await reader.NextAsync())?.Data);
        var topic = JsonDocument.Parse(await host.Client.GetStringAsync("/topics/eu%2Fde", TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal("eu/de", topic.GetProperty("topic").GetString());
        Assert.Equal((1, 1, 1), (topic.GetProperty("firstOffset").GetInt64(), topic.GetProperty("lastOffset").GetInt64(), topic.GetProperty("localSubscribers").GetInt32()));
    }

    [Theory]
    [InlineData("application/json", """[{"topic":"b1","data":"one"},{"topic":"$","data":"x"},{"topics":["b1","b2"],"event":"e","data":{"k":[1,2]}},{"topic":"b1"},7,{"topic":"b1","data":"\ud800"}]""")]
    [InlineData("application/x-ndjson", "{\"topic\":\"b1\",\"data\":\"one\"}\n{\"topic\":\"$\",\"data\":\"x\"}\r\n{\"topics\":[\"b1\",\"b2\"],\"event\":\"e\",\"data\":{\"k\":[1,2]}}\n\n{\"topic\":\"b1\"}\n7\n{\"topic\":\"b1\",\"data\":\"\\ud800\"}")]
    public async Task A_batch_answers_for_each_item_and_keeps_the_order(string contentType, string body)
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("b1");

        using var answer = await PublishBatchAsync(host, contentType, body);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var result = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal((2, 4), (result.GetProperty("stored").GetInt32(), result.GetProperty("failed").GetInt32()));
        Assert.Equal([201, 400, 201, 400, 400, 400], result.GetProperty("results").EnumerateArray().Select(item => item.GetProperty("status").GetInt32()));
        Assert.Equal(2, result.GetProperty("results")[2].GetProperty("events").GetArrayLength());
        Assert.Equal(["one", """{"k":[1,2]}"""], await reader.DataAsync(2));
    }

    [Fact]
    public async Task A_batch_whose_items_were_stored_on_some_of_their_topics_says_on_which()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await BreakAsync(host, "broken");

        using var answer = await PublishBatchAsync(host, "application/json", """[{"topics":["whole","broken"],"data":"1"},{"topic":"broken","data":"2"}]""");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var results = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("results");
        Assert.Equal([409, 409], results.EnumerateArray().Select(item => item.GetProperty("status").GetInt32()));
        Assert.Equal("whole", Assert.Single(results[0].GetProperty("events").EnumerateArray()).GetProperty("topic").GetString());
        Assert.Contains("not on the others", results[0].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(["not-stored", "not-stored"], results.EnumerateArray().Select(item => item.GetProperty("outcome").GetString()));
    }

    [Fact]
    public async Task A_publish_that_redis_refuses_is_503_and_not_stored_alone_and_in_a_batch()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var connection = await redis.ConnectAsync();
        var server = connection.GetServers()[0];
        await server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");
        try
        {
            using var alone = await host.PublishAsync("broken", "1");
            using var batch = await PublishBatchAsync(host, "application/json", """[{"topic":"broken","data":"2"},{"topic":"broken","data":"3"}]""");

            await AssertProblemAsync(alone, HttpStatusCode.ServiceUnavailable, "not stored", "not-stored");
            await AssertProblemAsync(batch, HttpStatusCode.ServiceUnavailable, "not stored", "not-stored");
            Assert.NotNull(alone.Headers.RetryAfter);
        }
        finally
        {
            await server.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "0");
        }
    }

    [Fact]
    public async Task A_batch_has_at_most_a_thousand_items()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await using var reader = await host.SubscribeAsync("many");
        var item = """{"topic":"many","data":"x"}""";

        using var tooMany = await PublishBatchAsync(host, "application/json", $"[{string.Join(',', Enumerable.Repeat(item, 1_001))}]");
        await AssertProblemAsync(tooMany, HttpStatusCode.BadRequest, "1000 items");

        using var answer = await PublishBatchAsync(host, "application/json", $"[{string.Join(',', Enumerable.Range(0, 1_000).Select(i => $$"""{"topic":"many","data":"{{i}}"}"""))}]");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Enumerable.Range(0, 1_000).Select(i => $"{i}"), await reader.DataAsync(1_000));
    }

    /// <summary>Puts something else where the counter of the topic is to be: Redis refuses what is appended to its log.</summary>
    private async Task BreakAsync(EventsHost host, string topic)
    {
        await using var connection = await redis.ConnectAsync();
        await connection.GetDatabase().StringSetAsync($"{host.Prefix}:{{{topic}}}:counter", "no hash");
    }

    private static Task<HttpResponseMessage> PublishBatchAsync(EventsHost host, string contentType, string body)
    {
        var content = new StringContent(body, Encoding.UTF8);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return host.Client.PostAsync("/publish", content, TestContext.Current.CancellationToken);
    }

    private static async Task AssertProblemAsync(HttpResponseMessage answer, HttpStatusCode status, string rule, string? outcome = null)
    {
        Assert.Equal(status, answer.StatusCode);
        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
        Assert.Contains(rule, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(outcome, problem.TryGetProperty("outcome", out var found) ? found.GetString() : null);
    }
}
