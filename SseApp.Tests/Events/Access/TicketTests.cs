using System.Net.Http.Headers;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Events.Access;

public sealed class TicketTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const string Page = "https://shop.test";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);
    private static readonly (string, string)[] s_settings = [.. Tokens.Settings, ("Security:PublicTopics:0", "news.*")];

    [Fact]
    public async Task A_page_of_another_site_reads_with_it_and_comes_back_through_a_drain_on_another_replica()
    {
        await using var one = await StartAsync();
        await using var two = await StartAsync(one.Prefix);
        var token = Tokens.Make(["orders.*"], ["orders.*"]);
        var made = await MakeAsync(one, token, ["orders.2", "orders.1", "news.today"]);
        Assert.Matches("^[A-Za-z0-9_-]{43}$", made.Ticket);
        Assert.Equal($"/events?topic=news.today&topic=orders.1&topic=orders.2&ticket={made.Ticket}", made.Url);
        Assert.InRange(made.ExpiresAt, TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(50), TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1));

        // A look does not use it up.
        Assert.Equal((HttpStatusCode.OK, null), await AskAsync(two, HttpMethod.Head, made.Url));
        await using var stream = await OpenAsync(two, made.Url, null);
        await stream.OpenedAsync();
        await PublishAsync(one, token, "first");
        Assert.Equal(["first"], await stream.DataAsync(1));
        two.Get<DrainState>().Begin();
        Assert.Null(await stream.NextAsync());
        await PublishAsync(one, token, "between");

        // The draining replica refuses, which is no use of it.
        await using var refused = await OpenAsync(two, made.Url, stream.LastEventId);
        Assert.Equal("stream.unavailable", (await refused.NextAsync())?.Type);
        await using var next = await OpenAsync(one, made.Url, stream.LastEventId);
        Assert.True((await next.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(["between"], await next.DataAsync(1));
    }

    [Fact]
    public async Task It_opens_exactly_its_topics_for_one_page_and_nothing_else()
    {
        await using var host = await StartAsync();
        var token = Tokens.Make(["*"], ["*"]);
        var made = await MakeAsync(host, token, ["orders.1", "orders.2"]);
        var ticket = $"ticket={made.Ticket}";
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Get, $"/topics/orders.1?{ticket}"), (HttpMethod.Get, $"/topics/orders.1/events?{ticket}"), (HttpMethod.Get, $"/topics/news.today?{ticket}"), (HttpMethod.Get, $"/whoami?{ticket}"),
            (HttpMethod.Post, $"/topics/orders.1/events?{ticket}"), (HttpMethod.Post, $"/publish?{ticket}"), (HttpMethod.Post, $"/tickets?{ticket}"),
            (HttpMethod.Get, $"/events?topic=orders.1&{ticket}"), (HttpMethod.Get, $"/events?topic=orders.1&topic=orders.2&topic=news.today&{ticket}"), (HttpMethod.Get, $"/events?topic=news.today&{ticket}"),
            (HttpMethod.Get, $"/events?topic=orders.1&topic=orders.2&{ticket}&ticket={Ticket.New()}"), (HttpMethod.Get, $"/events?topic=news.today&ticket={Ticket.New()}"),
            (HttpMethod.Get, "/events?topic=news.today&ticket="), (HttpMethod.Get, "/events?topic=news.today&%54icket=no"), (HttpMethod.Get, $"/events?topic=news.today&ticket={new string('a', 5_000)}"),
        })
        {
            Assert.Equal((path, (HttpStatusCode.Unauthorized, AuthReason.TokenInvalid)), (path, await AskAsync(host, method, path)));
        }

        // Authorization comes first, and is not helped by a ticket.
        Assert.Equal((HttpStatusCode.OK, null), await AskAsync(host, HttpMethod.Get, $"/topics/orders.1?{ticket}", token: token));
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenExpired), await AskAsync(host, HttpMethod.Head, made.Url, token: Tokens.Make(["*"], life: TimeSpan.FromHours(-1))));

        await using var stream = await OpenAsync(host, $"/events?topic=orders.2&topic=orders.1&topic=orders.2&{ticket}", null);
        await stream.OpenedAsync();
        foreach (var (origin, id) in new[] { (Page, null), ("https://other.test", stream.LastEventId), (null, stream.LastEventId), ("null", stream.LastEventId) })
        {
            var refusal = await ProblemAsync(host, made.Url, id, origin);
            Assert.Equal(AuthReason.TokenInvalid, refusal.GetProperty("reason").GetString());
            Assert.Contains(id is null ? "used before" : "another origin", refusal.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain(made.Ticket, refusal.ToString(), StringComparison.Ordinal);
        }

        await using var again = await OpenAsync(host, made.Url, null);
        Assert.Equal((AccessRefusal.EventName, AuthReason.TokenInvalid), await EndAsync(again));
        Assert.InRange(again.Retry!.Value, 30_000, 60_000);
        // Nobody has taken the stream away meanwhile.
        await PublishAsync(host, token, "still here");
        Assert.Equal(["still here"], await stream.DataAsync(1));
    }

    [Fact]
    public async Task A_second_stream_ends_the_first_wherever_it_is()
    {
        await using var one = await StartAsync();
        await using var two = await StartAsync(one.Prefix, ("Tickets:ReconnectWindow", "00:00:10"));
        var made = await MakeAsync(one, Tokens.Make(["t"]), ["t"]);
        await using var first = await OpenAsync(one, made.Url, null);
        await first.OpenedAsync();
        await using var second = await OpenAsync(two, made.Url, first.LastEventId);
        await second.OpenedAsync();
        Assert.Equal((AccessRefusal.EventName, AuthReason.TokenInvalid), await EndAsync(first));
        await using var third = await OpenAsync(two, made.Url, first.LastEventId);
        await third.OpenedAsync();
        Assert.Equal((AccessRefusal.EventName, AuthReason.TokenInvalid), await EndAsync(second));

        // Nobody heard of it: the replica asks after its streams.
        var store = one.Get<TicketStore>();
        var ticket = await store.FindAsync(made.Ticket, TestContext.Current.CancellationToken);
        Assert.Null((await store.OpenAsync(ticket!, "elsewhere", Page, comesBack: true)).Reason);
        Assert.Equal((AccessRefusal.EventName, AuthReason.TokenInvalid), await EndAsync(third));
    }

    [Fact]
    public async Task It_is_over_when_it_is_not_used_in_time_or_not_again_and_with_what_it_was_made_with()
    {
        await using var host = await StartAsync(null, ("Tickets:FirstUse", "00:00:02"), ("Tickets:ReconnectWindow", "00:00:02"), ("Tickets:MaxAge", "00:00:06"));
        var token = Tokens.Make(["t"]);
        var unused = await MakeAsync(host, token, ["t"]);
        var used = await MakeAsync(host, token, ["t"]);
        string id;
        await using (var stream = await OpenAsync(host, used.Url, null))
        {
            await stream.OpenedAsync();
            id = stream.LastEventId;
        }

        await UntilExpiredAsync(unused.Url, null);
        await UntilExpiredAsync(used.Url, id);

        // A replica that crashed leaves no stream behind: the last that was heard of it counts.
        var crashed = await MakeAsync(host, token, ["t"]);
        var store = host.Get<TicketStore>();
        Assert.Null((await store.OpenAsync((await store.FindAsync(crashed.Ticket, TestContext.Current.CancellationToken))!, "dead", Page, comesBack: false)).Reason);
        await UntilExpiredAsync(crashed.Url, id);

        // As old as it may be; and with a token that ends before.
        foreach (var most in new[] { 6, 5 })
        {
            var made = await MakeAsync(host, most == 6 ? token : Tokens.Make(["t"], life: TimeSpan.FromSeconds(most)), ["t"]);
            Assert.True(made.ExpiresAt <= TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(most));
            await using var stream = await OpenAsync(host, made.Url, null);
            await stream.OpenedAsync();
            Assert.Equal("stream.token-expiring", (await stream.NextAsync(s_limit))?.Type);
            Assert.Equal((AccessRefusal.EventName, AuthReason.TokenExpired), await EndAsync(stream));
            Assert.True(TimeProvider.System.GetUtcNow() <= made.ExpiresAt, "The stream ended after its ticket.");
            await UntilExpiredAsync(made.Url, stream.LastEventId);
        }

        Task UntilExpiredAsync(string url, string? lastEventId) => Eventually.Async(
            async () => await AskAsync(host, HttpMethod.Head, url, lastEventId) is (HttpStatusCode.Unauthorized, AuthReason.TokenExpired), s_limit, "the ticket to be over");
    }

    [Fact]
    public async Task Revoked_it_opens_nothing_and_its_stream_ends_as_with_the_token_that_it_was_made_with()
    {
        await using var one = await StartAsync();
        await using var two = await StartAsync(one.Prefix);
        var made = await MakeAsync(one, Tokens.Make(["t"]), ["t"]);
        await using var stream = await OpenAsync(two, made.Url, null);
        await stream.OpenedAsync();
        await one.Get<TicketStore>().RevokeAsync(made.Ticket, TestContext.Current.CancellationToken);
        Assert.Equal((AccessRefusal.EventName, AuthReason.TokenRevoked), await EndAsync(stream));
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(one, HttpMethod.Get, made.Url, stream.LastEventId));

        made = await MakeAsync(one, Tokens.Make(["t"], change: claims => claims["jti"] = "j1"), ["t"]);
        var unused = await MakeAsync(one, Tokens.Make(["t"], change: claims => claims["jti"] = "j1"), ["t"]);
        await using var other = await OpenAsync(two, made.Url, null);
        await other.OpenedAsync();
        await one.Get<RevocationStore>().RevokeAsync(RevocationKind.TokenId, "j1", null, null, TestContext.Current.CancellationToken);
        Assert.Equal((AccessRefusal.EventName, AuthReason.TokenRevoked), await EndAsync(other));
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(one, HttpMethod.Get, unused.Url));
    }

    [Fact]
    public async Task Made_with_an_API_key_it_opens_and_comes_back_as_long_as_the_key_may_read_its_topics()
    {
        var (asked, removed, twin) = (ApiKey.New(), ApiKey.New(), ApiKey.New());
        using var file = new ApiKeyFile(Stored(asked, "orders.*", "t"), Stored(removed, "t"), Stored(twin, "t"));
        await using var one = await StartAsync(null, ("Security:ApiKeyFile", file.Path));
        await using var two = await StartAsync(one.Prefix, ("Security:ApiKeyFile", file.Path));
        var made = await MakeAsync(one, asked.Text, ["orders.1", "orders.2", "news.today"]);
        var unused = await MakeAsync(one, asked.Text, ["orders.1"]);
        var kept = await MakeAsync(one, asked.Text, ["t", "news.today"]);
        var gone = await MakeAsync(one, removed.Text, ["t"]);
        Assert.Equal((HttpStatusCode.OK, null), await AskAsync(two, HttpMethod.Head, made.Url));
        string id;
        await using (var first = await OpenAsync(one, made.Url, null))
        {
            await first.OpenedAsync();
            await PublishAsync(two, Tokens.Make(["*"], ["*"]), "first");
            Assert.Equal(["first"], await first.DataAsync(1));
            id = first.LastEventId;
        }

        await PublishAsync(two, Tokens.Make(["*"], ["*"]), "between");
        await using var again = await OpenAsync(two, made.Url, id);
        Assert.True((await again.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(["between"], await again.DataAsync(1));
        await using var stays = await OpenAsync(two, kept.Url, null);
        await stays.OpenedAsync();
        await using var ends = await OpenAsync(two, gone.Url, null);
        await ends.OpenedAsync();

        // It may less, and still all that one of its tickets reads. Another key of the same name does not stand for one that is gone.
        file.Write(Stored(asked, "t", "orders.2"), Stored(twin, "t"));
        Assert.Equal((AccessRefusal.EventName, AuthReason.TokenRevoked), await EndAsync(again));
        Assert.Equal((AccessRefusal.EventName, AuthReason.TokenRevoked), await EndAsync(ends));
        foreach (var url in new[] { made.Url, unused.Url, gone.Url })
        {
            Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(two, HttpMethod.Get, url, id));
        }

        await PublishAsync(two, Tokens.Make(["*"], ["*"]), "on", "t");
        Assert.Equal(["on"], await stays.DataAsync(1));

        static StoredApiKey Stored((string Id, string Text) key, params string[] topics) => ApiKeyFile.Stored(key, "shop", new Grants(topics, [], []));
    }

    [Fact]
    public async Task Who_may_not_read_all_the_topics_gets_none_and_nobody_gets_too_many()
    {
        await using var host = await StartAsync(null, ("Tickets:MaxPerToken", "2"), ("Streaming:MaxTopics", "2"));
        var token = Tokens.Make(["orders.*"], ["*"]);
        foreach (var (body, status) in new[]
        {
            ("", 400), ("[]", 400), ("{}", 400), ("""{"topics":[]}""", 400), ("""{"topics":null}""", 400), ("""{"topics":"orders.1"}""", 400), ("""{"topics":[null]}""", 400), ("""{"topics":["a b"]}""", 400), ("""{"topics":["*"]}""", 400),
            ("""{"topics":["orders.1","orders.2","orders.3"]}""", 400), ($$"""{"topics":["{{new string('a', 4_000)}}"]}""", 413), ("""{"topics":["orders.1","secret"]}""", 403),
        })
        {
            using var refused = await PostAsync(host, token, body);
            Assert.Equal((body, status), (body, (int)refused.StatusCode));
            if (status == 403)
            {
                var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
                Assert.Equal((AuthReason.TopicDenied, "secret"), (problem.GetProperty("reason").GetString(), problem.GetProperty("topic").GetString()));
            }
        }

        using var stranger = await PostAsync(host, null, """{"topics":["news.today"]}""");
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        for (var i = 0; i < 2; i++)
        {
            using var made = await PostAsync(host, token, """{"topics":["orders.1","orders.1"]}""");
            Assert.Equal((HttpStatusCode.Created, true), (made.StatusCode, made.Headers.CacheControl?.NoStore));
        }

        using var tooMany = await PostAsync(host, token, """{"topics":["orders.1"]}""");
        Assert.Equal(HttpStatusCode.TooManyRequests, tooMany.StatusCode);
        Assert.NotNull(tooMany.Headers.RetryAfter);
        using var another = await PostAsync(host, Tokens.Make(["orders.*"], sub: "bob"), """{"topics":["orders.1"]}""");
        Assert.Equal(HttpStatusCode.Created, another.StatusCode);
    }

    [Fact]
    public async Task A_stream_that_is_refused_for_another_reason_leaves_it_unused()
    {
        await using var host = await StartAsync(null, ("Streaming:MaxConnections", "1"));
        var made = await MakeAsync(host, Tokens.Make(["t"]), ["t"]);
        await using (var other = await host.SubscribeAsync("news.today"))
        {
            await using var refused = await OpenAsync(host, made.Url, null);
            Assert.Equal("stream.unavailable", (await refused.NextAsync())?.Type);
        }

        await Eventually.Async(
            async () =>
            {
                await using var stream = await OpenAsync(host, made.Url, null);
                return (await stream.NextAsync())?.Type == "stream.open";
            },
            s_limit,
            "the ticket to open its first stream");
    }

    [Fact]
    public async Task Without_Redis_it_lets_nobody_in_and_an_EventSource_comes_back()
    {
        await using var server = new RedisServer();
        await using var host = await EventsHost.StartAsync(server, null, s_settings);
        var token = Tokens.Make(["t"]);
        var made = await MakeAsync(host, token, ["t"]);
        await server.KillAsync();
        await Eventually.Async(
            async () =>
            {
                await using var stream = await OpenAsync(host, made.Url, null);
                return await stream.NextAsync() is { Type: "stream.unavailable" } refusal && refusal.Data.Contains("\"redis\"", StringComparison.Ordinal);
            },
            s_limit,
            "the stream to be refused");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await AskAsync(host, HttpMethod.Get, made.Url)).Status);
        using var none = await PostAsync(host, token, """{"topics":["t"]}""");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, none.StatusCode);
    }

    private Task<EventsHost> StartAsync(string? prefix = null, params (string, string)[] settings) => EventsHost.StartAsync(redis, prefix, [.. s_settings, .. settings]);

    private static async Task<HttpResponseMessage> PostAsync(EventsHost host, string? token, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/tickets") { Content = new StringContent(body, null, "application/json") };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task<(string Ticket, string Url, DateTimeOffset ExpiresAt)> MakeAsync(EventsHost host, string token, string[] topics)
    {
        using var answer = await PostAsync(host, token, JsonSerializer.Serialize(new { topics }));
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var made = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return (made.GetProperty("ticket").GetString()!, made.GetProperty("url").GetString()!, made.GetProperty("expiresAt").GetDateTimeOffset());
    }

    /// <summary>As the EventSource of the page.</summary>
    private static Task<SseReader> OpenAsync(EventsHost host, string url, string? lastEventId) =>
        SseReader.OpenAsync(new HttpClient { BaseAddress = host.Address, DefaultRequestHeaders = { { "Origin", Page } } }, url, lastEventId);

    private static async Task<(HttpStatusCode Status, string? Reason)> AskAsync(EventsHost host, HttpMethod method, string url, string? lastEventId = null, string? token = null)
    {
        using var request = Request(method, url, lastEventId, Page);
        // Pages do not publish to replicas.
        if (method == HttpMethod.Post)
        {
            request.Headers.Remove("Origin");
        }

        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return (answer.StatusCode, answer.Headers.WwwAuthenticate.FirstOrDefault()?.Parameter?.Split('"') is [.., _, var reason, ""] ? reason : null);
    }

    private static async Task<JsonElement> ProblemAsync(EventsHost host, string url, string? lastEventId, string? origin)
    {
        using var request = Request(HttpMethod.Get, url, lastEventId, origin);
        using var answer = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
    }

    private static HttpRequestMessage Request(HttpMethod method, string url, string? lastEventId, string? origin)
    {
        var request = new HttpRequestMessage(method, url);
        foreach (var (name, value) in new[] { ("Last-Event-ID", lastEventId), ("Origin", origin) })
        {
            if (value is not null)
            {
                request.Headers.Add(name, value);
            }
        }

        return request;
    }

    private static async Task PublishAsync(EventsHost host, string token, string data, string topic = "orders.1")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/topics/{topic}/events") { Content = new StringContent(data), Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        using var answer = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    private static async Task<(string? Type, string? Reason)> EndAsync(SseReader stream)
    {
        var last = await stream.NextAsync(s_limit);
        Assert.Null(await stream.NextAsync());
        return (last?.Type, JsonSerializer.Deserialize<JsonElement>(last!.Data).GetProperty("reason").GetString());
    }
}
