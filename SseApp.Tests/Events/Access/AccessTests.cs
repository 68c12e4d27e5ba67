using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Events.Access;

public sealed class AccessTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly (string, string)[] s_settings = [.. Tokens.Settings, ("Security:PublicTopics:0", "news.*")];

    [Fact]
    public async Task Whoever_sends_no_credential_reads_public_topics_and_nothing_else()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        await using var open = await host.SubscribeAsync("news.today");
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Get, "/events?topic=orders.1"), (HttpMethod.Get, "/events?topic=news.today&topic=orders.1"), (HttpMethod.Post, "/topics/news.today/events"),
            (HttpMethod.Post, "/publish"), (HttpMethod.Get, "/topics/orders.1"), (HttpMethod.Get, "/topics/orders.1/events"), (HttpMethod.Get, "/whoami"),
        })
        {
            var (status, reason, answer) = await AskAsync(host, method, path, null);
            Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.NoCredentials), (status, reason));
            Assert.Equal("Bearer", answer.WwwAuthenticate.ToString());
        }

        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, HttpMethod.Get, "/topics/news.today", null)).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, HttpMethod.Get, "/alive", null)).Status);
        // A wrong method and an unknown path are that, whoever asks.
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await AskAsync(host, HttpMethod.Put, "/publish", null)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync(host, HttpMethod.Get, "/nothing", null)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync(host, HttpMethod.Get, "/relay", null)).Status);
    }

    [Fact]
    public async Task A_token_lets_in_what_its_patterns_match_and_every_topic_of_a_stream_needs_one()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        var token = Tokens.Make(["orders.*", "user.{sub}.*"], ["orders.1"]);
        foreach (var (method, path, status) in new[]
        {
            (HttpMethod.Post, "/topics/orders.1/events", HttpStatusCode.Created), (HttpMethod.Get, "/topics/orders.1", HttpStatusCode.OK), (HttpMethod.Get, "/topics/orders.1/events", HttpStatusCode.OK),
            (HttpMethod.Get, "/topics/user.alice.inbox", HttpStatusCode.OK), (HttpMethod.Get, "/topics/news.today", HttpStatusCode.OK),
            (HttpMethod.Post, "/topics/orders.2/events", HttpStatusCode.Forbidden), (HttpMethod.Get, "/topics/user.bob.inbox", HttpStatusCode.Forbidden),
            (HttpMethod.Get, "/topics/user.bob.inbox/events", HttpStatusCode.Forbidden), (HttpMethod.Get, "/events?topic=orders.1&topic=user.bob.inbox", HttpStatusCode.Forbidden),
        })
        {
            var answer = await AskAsync(host, method, path, token);
            Assert.Equal((path, status), (path, answer.Status));
            Assert.Equal(status == HttpStatusCode.Forbidden ? AuthReason.TopicDenied : null, answer.Reason);
        }

        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        await using var stream = await host.SubscribeAsync("orders.1", "user.alice.inbox", "news.today");
        using var published = await host.PublishAsync("orders.1", "hello");
        Assert.Equal(["hello"], await stream.DataAsync(1));

        await using var denied = await host.OpenAsync("orders.1", "user.bob.inbox");
        Assert.Equal(HttpStatusCode.OK, denied.Response.StatusCode);
        var told = await denied.NextRawAsync();
        Assert.Equal(AccessRefusal.EventName, told?.Type);
        using var data = JsonDocument.Parse(told!.Data);
        Assert.Equal((AuthReason.TopicDenied, "user.bob.inbox"), (data.RootElement.GetProperty("reason").GetString(), data.RootElement.GetProperty("topic").GetString()));
        Assert.Equal(300_000, denied.Retry);
        Assert.Null(await denied.NextRawAsync());

        // A token of a page, taken for publishing: what to do is said.
        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(["orders.*"]));
        using var readOnly = await host.PublishAsync("orders.1", "hello");
        Assert.Equal(HttpStatusCode.Forbidden, readOnly.StatusCode);
        Assert.Contains("'sse_publish'", (await readOnly.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_credential_that_is_not_valid_refuses_and_never_falls_back_to_what_everybody_may()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        foreach (var (credential, reason) in new[]
        {
            ("Bearer " + Tokens.Make(["*"], life: TimeSpan.FromHours(-1)), AuthReason.TokenExpired),
            ("Bearer " + Tokens.Make(["*"], key: "another key of at least 32 bytes, for tests"), AuthReason.TokenInvalid),
            ("Bearer sse_ab_" + new string('a', 43), AuthReason.TokenInvalid),
            ("Bearer", AuthReason.TokenInvalid),
            ("Basic YTpi", AuthReason.TokenInvalid),
            ("Bearer a, Bearer b", AuthReason.TokenInvalid),
        })
        {
            foreach (var (method, path) in new[] { (HttpMethod.Get, "/topics/news.today"), (HttpMethod.Post, "/topics/news.today/events"), (HttpMethod.Get, "/whoami"), (HttpMethod.Post, "/publish") })
            {
                using var request = new HttpRequestMessage(method, path);
                request.Headers.TryAddWithoutValidation("Authorization", credential);
                using var answer = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
                var body = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
                Assert.Equal((HttpStatusCode.Unauthorized, reason), (answer.StatusCode, body.GetProperty("reason").GetString()));
                Assert.StartsWith("Bearer error=\"invalid_token\"", answer.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
            }

            // As routing reads paths.
            using var stream = new HttpRequestMessage(HttpMethod.Get, $"/{(reason == AuthReason.TokenInvalid ? "Events/" : "events")}?topic=news.today");
            stream.Headers.TryAddWithoutValidation("Authorization", credential);
            stream.Headers.TryAddWithoutValidation("Last-Event-ID", "kept");
            stream.Headers.Accept.ParseAdd("text/event-stream");
            using var refused = await host.Client.SendAsync(stream, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, refused.StatusCode);
            var text = await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Matches($$"""^retry: [345]\d{4}\nid: kept\nevent: stream.unauthorized\ndata: {"reason":"{{reason}}","retryAfterMs":\d+}\n\n$""", text);
        }
    }

    [Fact]
    public async Task In_a_batch_a_denied_item_is_not_stored_and_the_others_go_on()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/publish")
        {
            Content = new StringContent("""[{"topics":["orders.1"],"data":"a"},{"topics":["orders.1","secret"],"data":"b"},{"topics":["orders.2"],"data":"c"}]"""),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(["*"], ["orders.*"])) },
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var results = (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal([201, 403, 201], results.Select(result => result.GetProperty("status").GetInt32()));
        Assert.Equal(AuthReason.TopicDenied, results[1].GetProperty("reason").GetString());
        var (_, _, _, topic) = await AskBodyAsync(host, "/topics/orders.1", Tokens.Make(["*"]));
        Assert.Equal(1, topic.GetProperty("lastOffset").GetInt64());
        Assert.Equal(0, (await AskBodyAsync(host, "/topics/secret", Tokens.Make(["*"]))).Body.GetProperty("lastOffset").GetInt64());
    }

    [Fact]
    public async Task An_api_key_publishes_until_it_is_removed_and_two_of_one_name_are_one_client()
    {
        var (first, second) = (ApiKey.New(), ApiKey.New());
        using var file = new ApiKeyFile(Stored(first), Stored(second));
        await using var host = await EventsHost.StartAsync(redis, null, ("Security:AllowAnonymous", "false"), ("Security:ApiKeyFile", file.Path));
        Assert.Equal(HttpStatusCode.Created, await PublishAsync(host, first.Text, "same"));
        Assert.Equal(HttpStatusCode.OK, await PublishAsync(host, second.Text, "same"));

        file.Write(Stored(second));
        await Eventually.Async(async () => await PublishAsync(host, first.Text, "other") == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(20), "the removed key to be refused");
        Assert.Equal(HttpStatusCode.Created, await PublishAsync(host, second.Text, "third"));
        // Half a file changes nothing.
        await File.WriteAllTextAsync(file.Path, "[{", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, await PublishAsync(host, second.Text, "fourth"));

        static StoredApiKey Stored((string Id, string Text) key) => ApiKeyFile.Stored(key, "billing", new Grants([], ["invoices.*"], []));

        static async Task<HttpStatusCode> PublishAsync(EventsHost host, string key, string idempotencyKey)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/topics/invoices.1/events") { Content = new StringContent("x"), Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };
            request.Headers.Add("Idempotency-Key", idempotencyKey);
            using var answer = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Who_am_I_says_by_what_until_when_and_which_pattern_lets_a_topic_in()
    {
        await using var host = await EventsHost.StartAsync(redis, null, s_settings);
        var body = (await AskBodyAsync(host, "/whoami?topic=orders.7&topic=news.today&topic=secret", Tokens.Make(["orders.*"], ["orders.?"], change: claims => claims["scope"] = "sse:metrics other"))).Body;
        Assert.Equal(("token", "authorization", "alice", Tokens.Issuer), (Text("kind"), Text("source"), Text("name"), Text("issuer")));
        Assert.True(body.GetProperty("expiresAt").GetDateTimeOffset() > TimeProvider.System.GetUtcNow());
        Assert.Equal("sse:metrics", Assert.Single(body.GetProperty("scopes").EnumerateArray()).GetString());
        Assert.Equal(
            [("orders.7", "orders.*", "orders.?"), ("news.today", "news.*", null), ("secret", null, null)],
            body.GetProperty("topics").EnumerateArray().Select(topic => (topic.GetProperty("topic").GetString(), topic.GetProperty("subscribe").GetString(), topic.GetProperty("publish").GetString())));

        string? Text(string name) => body.GetProperty(name).GetString();
    }

    [Fact]
    public async Task A_service_that_is_open_says_so()
    {
        await using var host = await EventsHost.StartAsync(redis);
        var body = (await AskBodyAsync(host, "/whoami?topic=any", null)).Body;
        Assert.Contains("AllowAnonymous", body.GetProperty("warning").GetString(), StringComparison.Ordinal);
        Assert.Equal("*", body.GetProperty("topics")[0].GetProperty("publish").GetString());
    }

    private static async Task<(HttpStatusCode Status, string? Reason, HttpResponseHeaders Headers)> AskAsync(EventsHost host, HttpMethod method, string path, string? token)
    {
        using var request = new HttpRequestMessage(method, path);
        if (method == HttpMethod.Post)
        {
            request.Content = new StringContent("data");
        }

        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var reason = answer.Content.Headers.ContentType?.MediaType == "application/problem+json"
            && (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).TryGetProperty("reason", out var member) ? member.GetString() : null;
        return (answer.StatusCode, reason, answer.Headers);
    }

    private static async Task<(HttpStatusCode Status, string? Reason, HttpResponseHeaders Headers, JsonElement Body)> AskBodyAsync(EventsHost host, string path, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var answer = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return (answer.StatusCode, null, answer.Headers, await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken));
    }
}
