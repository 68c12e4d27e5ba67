using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.Tests.Gateway;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Access;

/// <summary>What was taken back opens nothing any more, and what it had opened ends, wherever that is.</summary>
public sealed class RevocationTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task A_token_that_is_revoked_at_the_gateway_loses_its_streams_on_all_replicas_and_opens_nothing_again(string relay)
    {
        var (one, two) = (await ReplicaAsync(), await ReplicaAsync());
        var gateway = await GatewayAsync(2, ("Relay:Enabled", relay));
        var revoked = Token("j1");
        await using var relayed = await OpenAsync(gateway.Client, revoked);
        await using var direct = await OpenAsync(two.Client, revoked);
        await using var kept = await OpenAsync(one.Client, Token("j2"));

        var said = await RevokeAsync(gateway.Admin, """{"jti":"j1"}""");
        Assert.Equal(("jti", "j1"), (said.GetProperty("kind").GetString(), said.GetProperty("value").GetString()));
        await EndsAsync(relayed);
        await EndsAsync(direct);
        foreach (var client in new[] { one.Client, two.Client, gateway.Client })
        {
            Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(client, revoked));
            // Not as a stranger either.
            Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(client, revoked, "/topics/news.today"));
        }

        await using var again = await SseReader.OpenAsync(With(one.Client, revoked), "/events?topic=t");
        Assert.Equal(AccessRefusal.EventName, (await again.NextAsync())?.Type);
        using var published = await With(one.Client, Token("j2")).PostAsync("/topics/t/events", new StringContent("on"), Cancellation);
        Assert.Equal(["on"], await kept.DataAsync(1));

        // A process that starts knows it before it answers.
        var late = await ReplicaAsync();
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(late.Client, revoked));
        var listed = (await late.Admin.GetFromJsonAsync<JsonElement>("/admin/revocations", Cancellation)).GetProperty("revocations");
        Assert.Equal("j1", Assert.Single(listed.EnumerateArray()).GetProperty("value").GetString());
    }

    [Fact]
    public async Task A_subject_loses_what_was_issued_before_and_an_issuer_takes_back_its_own_only()
    {
        var replica = await ReplicaAsync();
        var (old, young, bob) = (Token("a", issued: TimeSpan.FromMinutes(-10)), Token("b", issued: TimeSpan.FromMinutes(-1)), Token("c", sub: "bob", issued: TimeSpan.FromMinutes(-10)));
        await using var stream = await OpenAsync(replica.Client, old);
        await RevokeAsync(replica.Admin, """{"sub":"alice","issuer":"https://another.test"}""");
        await RevokeAsync(replica.Admin, """{"jti":"a","issuer":"https://another.test"}""");
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(replica.Client, old)).Status);

        await RevokeAsync(replica.Admin, $$"""{"sub":"alice","issuer":"{{Tokens.Issuer}}","issuedBefore":"{{TimeProvider.System.GetUtcNow().AddMinutes(-5):yyyy-MM-ddTHH:mm:ssZ}}"}""");
        await EndsAsync(stream);
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(replica.Client, old));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(replica.Client, young)).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(replica.Client, bob)).Status);

        // Without a moment: up to now.
        await RevokeAsync(replica.Admin, """{"sub":"alice"}""");
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(replica.Client, young));
        // The clock of an issuer may be ahead.
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(replica.Client, Token("d", issued: TimeSpan.FromSeconds(20))));
        // An older moment takes nothing back of that.
        await RevokeAsync(replica.Admin, """{"sub":"alice","issuedBefore":"2020-01-01T00:00:00+01:00"}""");
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(replica.Client, young));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(replica.Client, bob)).Status);
    }

    [Fact]
    public async Task An_api_key_loses_its_streams_when_it_is_revoked_and_when_it_is_removed_and_another_of_its_name_does_not()
    {
        var (revoked, removed, kept) = (ApiKey.New(), ApiKey.New(), ApiKey.New());
        using var file = new ApiKeyFile(Stored(revoked), Stored(removed), Stored(kept));
        var replica = await ReplicaAsync(("Security:ApiKeyFile", file.Path));
        await using var first = await OpenAsync(replica.Client, revoked.Text);
        await using var second = await OpenAsync(replica.Client, removed.Text);
        await using var third = await OpenAsync(replica.Client, kept.Text);

        var said = await RevokeAsync(replica.Admin, $$"""{"apiKey":"{{revoked.Id}}"}""");
        Assert.Equal(JsonValueKind.Null, said.TryGetProperty("until", out var until) ? until.ValueKind : JsonValueKind.Null);
        await EndsAsync(first);
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(replica.Client, revoked.Text));

        file.Write(Stored(revoked), Stored(kept));
        await EndsAsync(second);
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenInvalid), await AskAsync(replica.Client, removed.Text));
        using var published = await With(replica.Client, kept.Text).PostAsync("/topics/t/events", new StringContent("on"), Cancellation);
        Assert.Equal(["on"], await third.DataAsync(1));

        // It may less: what it had opened before must not go on.
        file.Write(Stored(kept, "other"));
        await EndsAsync(third);

        static StoredApiKey Stored((string Id, string Text) key, string topics = "t") => ApiKeyFile.Stored(key, "billing", topics);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Over_one_connection_each_publish_counts_for_the_credential_that_it_has_and_for_none_that_ended(bool direct)
    {
        var (key, reader, removed) = (ApiKey.New(), ApiKey.New(), ApiKey.New());
        StoredApiKey[] kept = [Stored(key, ["t"]), Stored(reader, [])];
        using var file = new ApiKeyFile([.. kept, Stored(removed, ["t"])]);
        var replica = await ReplicaAsync(("Security:ApiKeyFile", file.Path));
        var gateway = direct ? null : await GatewayAsync(1, ("Security:ApiKeyFile", file.Path));
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1 }) { BaseAddress = direct ? replica.Address : gateway!.Address };

        await AssertAsync(HttpStatusCode.Created, key.Text);
        await AssertAsync(HttpStatusCode.Created, key.Text);
        await AssertAsync(HttpStatusCode.Forbidden, reader.Text);
        await AssertAsync(HttpStatusCode.Created, key.Text);
        await AssertAsync(HttpStatusCode.Unauthorized, key.Text[..^1] + (key.Text[^1] == 'A' ? 'B' : 'A'));
        await AssertAsync(HttpStatusCode.Unauthorized, null);
        await AssertAsync(HttpStatusCode.Created, Token("j1"));
        await RevokeAsync(replica.Admin, """{"jti":"j1"}""");
        await AssertAsync(HttpStatusCode.Unauthorized, Token("j1"));

        await AssertAsync(HttpStatusCode.Created, removed.Text);
        file.Write(kept);
        await Eventually.Async(async () => await PublishAsync(removed.Text) == HttpStatusCode.Unauthorized, s_limit, "the removed key to be refused over the connection that it was used on");
        await AssertAsync(HttpStatusCode.Created, key.Text);
        await RevokeAsync(replica.Admin, $$"""{"apiKey":"{{key.Id}}"}""");
        await AssertAsync(HttpStatusCode.Unauthorized, key.Text);

        async Task AssertAsync(HttpStatusCode expected, string? credential) => Assert.Equal(expected, await PublishAsync(credential));

        async Task<HttpStatusCode> PublishAsync(string? credential)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/topics/t/events") { Content = new StringContent("x") };
            request.Headers.Authorization = credential is null ? null : new AuthenticationHeaderValue("Bearer", credential);
            using var answer = await client.SendAsync(request, Cancellation);
            return answer.StatusCode;
        }

        static StoredApiKey Stored((string Id, string Text) key, string[] publish) => ApiKeyFile.Stored(key, key.Id, new Grants(["t"], publish, []));
    }

    [Theory]
    [InlineData("/topics/t/events", "text/plain", "late", "jti")]
    [InlineData("/publish", "application/json", """[{"topic":"t","data":"late"}]""", "jti")]
    [InlineData("/publish", "application/x-ndjson", """{"topic":"t","data":"late"}""", "jti")]
    [InlineData("/topics/t/events", "text/plain", "late", "apiKey")]
    [InlineData("/publish", "application/json", """[{"topic":"t","data":"late"}]""", "apiKey")]
    [InlineData("/publish", "application/json", "[]", "jti")]
    public async Task What_is_revoked_while_a_body_is_on_its_way_stores_nothing(string path, string type, string rest, string kind)
    {
        var key = ApiKey.New();
        using var file = new ApiKeyFile(ApiKeyFile.Stored(key, "billing", "t"));
        var replica = await ReplicaAsync(("Security:ApiKeyFile", file.Path));
        var begin = new string(' ', 50_000);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(replica.Address.Host, replica.Address.Port, Cancellation);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: r\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: {type}\r\nAuthorization: Bearer {(kind == "jti" ? Token("j1") : key.Text)}\r\nContent-Length: {begin.Length + rest.Length}\r\n\r\n"),
            Cancellation);
        // It is asked for the body: whoever sends it was let in.
        Assert.StartsWith("HTTP/1.1 100 ", await RawHttp.ReadAsync(socket, "\r\n\r\n"), StringComparison.Ordinal);
        await socket.SendAsync(Encoding.ASCII.GetBytes(begin), Cancellation);
        await RevokeAsync(replica.Admin, $$"""{"{{kind}}":"{{(kind == "jti" ? "j1" : key.Id)}}"}""");
        await socket.SendAsync(Encoding.ASCII.GetBytes(rest), Cancellation);

        Assert.Equal(AuthReason.TokenRevoked, RawHttp.AssertProblem(401, await RawHttp.ReadAsync(socket)).GetProperty("reason").GetString());
        using var topic = await replica.Client.SendAsync(HttpMethod.Get, "/topics/t", ("Authorization", $"Bearer {Token("j2")}"));
        Assert.Equal(0, (await topic.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("lastOffset").GetInt64());
    }

    [Fact]
    public async Task A_history_that_is_being_read_ends_with_what_is_whole_when_its_credential_is_revoked()
    {
        var replica = await ReplicaAsync();
        using var publisher = new HttpClient { BaseAddress = replica.Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Token("j2")) } };
        var data = new string('a', 60_000);
        for (var i = 0; i < 60; i++)
        {
            using var stored = await publisher.PostAsync("/topics/t/events", new StringContent(data), Cancellation);
            Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
        }

        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 8 * 1024 };
        await socket.ConnectAsync(replica.Address.Host, replica.Address.Port, Cancellation);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"GET /topics/t/events?limit=1000 HTTP/1.1\r\nHost: r\r\nConnection: close\r\nAccept: application/x-ndjson\r\nAuthorization: Bearer {Token("j1")}\r\n\r\n"),
            Cancellation);
        var begin = await RawHttp.ReadAsync(socket, "\r\n\r\n");
        await RevokeAsync(replica.Admin, """{"jti":"j1"}""");
        var text = begin + await RawHttp.ReadAsync(socket);

        // The last chunk has come, and not all events.
        Assert.EndsWith("\r\n0\r\n\r\n", text, StringComparison.Ordinal);
        Assert.InRange(text.Split("\"offset\":").Length - 1, 1, 59);
    }

    [Fact]
    public async Task The_end_of_a_session_ends_that_token_and_no_other_of_its_owner()
    {
        var replica = await ReplicaAsync();
        var (ended, kept) = (Token(null), Token(null, issued: TimeSpan.FromMinutes(-1)));
        await using var stream = await OpenAsync(replica.Client, ended);
        await replica.Get<RevocationStore>().RevokeAsync((await replica.Get<CredentialService>().VerifyAsync(ended)).Principal!, Cancellation);
        await EndsAsync(stream);
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(replica.Client, ended));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(replica.Client, kept)).Status);
    }

    [Theory]
    [InlineData("", "no JSON")]
    [InlineData("[]", "Send one of")]
    [InlineData("{}", "Exactly one")]
    [InlineData("""{"jti":"a","sub":"b"}""", "Exactly one")]
    [InlineData("""{"jti":"a","apiKey":"b"}""", "Exactly one")]
    [InlineData("""{"issuer":"a"}""", "Exactly one")]
    [InlineData("""{"jti":"a","jti":"b"}""", "twice")]
    [InlineData("""{"jti":"a","extra":"b"}""", "no revocation has")]
    [InlineData("""{"fingerprint":"a"}""", "no revocation has")]
    [InlineData("""{"jti":1}""", "'jti' is a text")]
    [InlineData("""{"jti":null}""", "'jti' is a text")]
    [InlineData("""{"jti":""}""", "'jti' is a text")]
    [InlineData("""{"jti":"a\nb"}""", "'jti' is a text")]
    [InlineData("""{"sub":"\ud800"}""", "'sub' is a text")]
    [InlineData("""{"jti":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}""", "not the token")]
    [InlineData("""{"jti":"sse_a1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""", "id in 'apiKey'")]
    [InlineData("""{"jti":"Bearer sse_a1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA."}""", "id in 'apiKey'")]
    [InlineData("""{"jti":"e30.eyJzdWIiOiJhIn0.c2ln"}""", "not the token")]
    [InlineData("""{"sub":"sse_a1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""", "id in 'apiKey'")]
    [InlineData("""{"sub":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}""", "by its 'jti'")]
    [InlineData("""{"sub":"a","issuer":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}""", "'iss' of the tokens")]
    [InlineData("""{"sub":"a","issuedBefore":"sse_a1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""", "ISO 8601")]
    [InlineData("""{"ticket":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}""", "POST /tickets gave")]
    [InlineData("""{"jti":"a","issuedBefore":"2026-01-01T00:00:00Z"}""", "'issuedBefore' is no part")]
    [InlineData("""{"apiKey":"a","issuer":"b"}""", "'issuer' is no part")]
    [InlineData("""{"apiKey":"sse_a_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""", "not the whole key")]
    [InlineData("""{"sub":"a","issuedBefore":"yesterday"}""", "ISO 8601")]
    [InlineData("""{"sub":"a","issuedBefore":"2026-01-01T00:00:00"}""", "offset")]
    [InlineData("""{"sub":"a","issuedBefore":"2026-01-01"}""", "offset")]
    [InlineData("""{"sub":"a","issuedBefore":"9999-12-31T23:59:59Z"}""", "ahead of now")]
    public async Task What_is_no_revocation_is_refused_with_the_rule(string body, string rule)
    {
        var replica = await ReplicaAsync();
        using var answer = await replica.Admin.PostAsync("/admin/revocations", new StringContent(body), Cancellation);
        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Contains(rule, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Empty(replica.Get<Revocations>().All);
    }

    [Fact]
    public async Task The_name_of_an_api_key_in_the_place_of_its_id_is_refused_because_the_key_would_go_on()
    {
        var key = ApiKey.New();
        using var file = new ApiKeyFile(ApiKeyFile.Stored(key, "shop", "t"));
        var replica = await ReplicaAsync(("Security:ApiKeyFile", file.Path));
        using var answer = await replica.Admin.PostAsync("/admin/revocations", new StringContent("""{"apiKey":"shop"}"""), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("'keys list'", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Empty(replica.Get<Revocations>().All);
    }

    [Fact]
    public async Task The_id_of_no_api_key_is_refused_with_the_one_that_was_meant()
    {
        var key = ApiKey.New();
        using var file = new ApiKeyFile(ApiKeyFile.Stored(key, "shop", "t"));
        var replica = await ReplicaAsync(("Security:ApiKeyFile", file.Path));
        foreach (var (id, meant) in new[] { (key.Id[..^1], true), (key.Id + "0", true), ("zzzzzzzzzzzz", false) })
        {
            using var answer = await replica.Admin.PostAsync("/admin/revocations", new StringContent($$"""{"apiKey":"{{id}}"}"""), Cancellation);
            Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            var detail = (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("detail").GetString()!;
            Assert.Equal(meant, detail.Contains($"did you mean '{key.Id}'?", StringComparison.Ordinal));
            Assert.Contains("Nothing was revoked.", detail, StringComparison.Ordinal);
        }

        Assert.Empty(replica.Get<Revocations>().All);

        // A key that was added a moment ago is known at once.
        var added = ApiKey.New();
        file.Write(ApiKeyFile.Stored(key, "shop", "t"), ApiKeyFile.Stored(added, "till", "t"));
        await RevokeAsync(replica.Admin, $$"""{"apiKey":"{{added.Id}}"}""");
    }

    [Theory]
    [InlineData("jti")]
    [InlineData("sub")]
    public async Task A_ticket_in_the_place_of_an_id_is_refused_and_an_id_of_its_form_is_not(string member)
    {
        var replica = await ReplicaAsync();
        using var made = await With(replica.Client, Token("j1")).PostAsync("/tickets", new StringContent("""{"topics":["t"]}""", null, "application/json"), Cancellation);
        var ticket = (await made.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("ticket").GetString()!;
        using var answer = await replica.Admin.PostAsync("/admin/revocations", new StringContent($$"""{"{{member}}":"{{ticket}}"}"""), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("{\"ticket\":", (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Empty(replica.Get<Revocations>().All);

        // Subjects of Entra ID are 43 digits of base64url.
        await RevokeAsync(replica.Admin, $$"""{"{{member}}":"{{Ticket.New()}}"}""");
    }

    [Fact]
    public async Task Who_signs_in_a_moment_after_a_revocation_by_sub_is_told_and_gets_no_cookie()
    {
        var replica = await ReplicaAsync();
        await RevokeAsync(replica.Admin, """{"sub":"alice"}""");
        using var answer = await With(replica.Client, Token("j1", issued: TimeSpan.FromSeconds(5))).PostAsync("/session", null, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
        var told = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(AuthReason.TokenRevoked, told.GetProperty("reason").GetString());
        Assert.Contains("half a minute", told.GetProperty("detail").GetString(), StringComparison.Ordinal);
        using var later = await With(replica.Client, Token("j2", issued: TimeSpan.FromSeconds(29))).PostAsync("/session", null, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, later.StatusCode);
    }

    [Fact]
    public async Task What_nobody_with_the_key_has_written_revokes_nothing_and_hides_nothing()
    {
        var replica = await ReplicaAsync();
        using var forged = replica.Collect("sse_forged_total");
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        var key = $"{{{_prefix}:revocations}}";
        const string entry = """{"kind":"jti","value":"j1","revokedAt":"2026-11-28T10:00:00Z","until":"2036-11-28T10:00:00Z"}""";
        string[] texts = [entry, ClusterKey.Records.Sign(ForgedKind.Command, key, entry), ClusterKey.Records.Sign(ForgedKind.Revocation, "{other:revocations}", entry), ClusterKey.Records.Sign(ForgedKind.Revocation, key, """{"kind":"none"}""")];
        for (var i = 0; i < texts.Length; i++)
        {
            await database.HashSetAsync(key, $"f{i}", texts[i]);
            // At the far end of the order.
            await database.SortedSetAddAsync($"{key}:order", $"f{i}", 1e15);
            await connection.GetSubscriber().PublishAsync(RedisChannel.Literal($"{_prefix}:revocations"), texts[i]);
        }

        await UntilAsync(() => forged.GetMeasurementSnapshot().Count(measured => measured.Value > 0 && (string?)measured.Tags["kind"] == ForgedKind.Revocation) >= 2 * (texts.Length - 1), "the forged entries to be counted");
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(replica.Client, Token("j1"))).Status);

        // Announced to nobody: found by looking.
        var genuine = new Revocation(RevocationKind.TokenId, "j1", null, null, TimeProvider.System.GetUtcNow(), TimeProvider.System.GetUtcNow().AddHours(1));
        await database.HashSetAsync(key, "genuine", ClusterKey.Records.Sign(ForgedKind.Revocation, key, JsonSerializer.Serialize(genuine, RevocationJsonContext.Default.Revocation)));
        await database.SortedSetAddAsync($"{key}:order", "genuine", await database.StringIncrementAsync($"{key}:number"));
        await Eventually.Async(async () => await AskAsync(replica.Client, Token("j1")) == (HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), s_limit, "the genuine one to count");
    }

    [Theory]
    [InlineData("no order")]
    [InlineData("no hash")]
    [InlineData("not in the order")]
    [InlineData("not in the hash")]
    [InlineData("moved in the order")]
    [InlineData("under another name")]
    [InlineData("junk in front")]
    [InlineData("junk between")]
    public async Task Whoever_changes_the_list_in_Redis_makes_nothing_count_again(string change)
    {
        var replica = await ReplicaAsync();
        await RevokeAsync(replica.Admin, """{"jti":"j1"}""");
        await RevokeAsync(replica.Admin, """{"jti":"j2"}""");
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        RedisKey list = $"{{{_prefix}:revocations}}", order = $"{{{_prefix}:revocations}}:order";
        var id = new RevokedName(RevocationKind.TokenId, null, "j1").Id;
        var junk = Enumerable.Range(0, 600).Select(i => new SortedSetEntry($"junk{i}", change == "junk in front" ? 0.5 : 2.5)).ToArray();
        // At once, as somebody would who starts a process before another one has looked.
        var transaction = database.CreateTransaction();
        var changed = change switch
        {
            "no order" => transaction.KeyDeleteAsync(order),
            "no hash" => transaction.KeyDeleteAsync(list),
            "not in the order" => transaction.SortedSetRemoveAsync(order, id),
            "not in the hash" => transaction.HashDeleteAsync(list, id),
            "moved in the order" => transaction.SortedSetAddAsync(order, id, 0.5),
            "under another name" => transaction.HashSetAsync(list, "other", await database.HashGetAsync(list, id)),
            _ => (Task)transaction.SortedSetAddAsync(order, junk),
        };
        _ = change == "under another name" ? transaction.HashDeleteAsync(list, id) : null;
        Assert.True(await transaction.ExecuteAsync());
        await changed;

        // Where the hash has it, at once; else as soon as one that runs has looked.
        var late = await ReplicaAsync();
        if (change is not ("no hash" or "not in the hash"))
        {
            Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(late.Client, Token("j1")));
        }

        await Eventually.Async(async () => await AskAsync(late.Client, Token("j1")) == (HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), s_limit, "the new process to know");
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(late.Client, Token("j2")));
        await Eventually.Async(
            async () => await database.HashExistsAsync(list, id) && await database.SortedSetScoreAsync(order, id) >= 1, s_limit, "both places to have it again");

        // What comes later is found in the order, though nobody hears of it.
        var genuine = new Revocation(RevocationKind.TokenId, "j3", null, null, TimeProvider.System.GetUtcNow(), TimeProvider.System.GetUtcNow().AddHours(1));
        await database.HashSetAsync(list, genuine.Name.Id, ClusterKey.Records.Sign(ForgedKind.Revocation, list.ToString(), JsonSerializer.Serialize(genuine, RevocationJsonContext.Default.Revocation)));
        await database.SortedSetAddAsync(order, genuine.Name.Id, await database.StringIncrementAsync($"{list}:number"));
        foreach (var process in new[] { replica, late })
        {
            await Eventually.Async(async () => await AskAsync(process.Client, Token("j3")) == (HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), s_limit, "the later one to count");
        }
    }

    [Fact]
    public async Task Whatever_lies_under_the_lists_keys_gives_way_and_the_list_is_written_again()
    {
        var replica = await ReplicaAsync();
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        await RevokeAsync(replica.Admin, """{"jti":"j1"}""");
        var list = $"{{{_prefix}:revocations}}";
        var revoked = 1;
        foreach (var part in (string[])["", ":order", ":number"])
        {
            foreach (var name in (string[])["list", "text"])
            {
                await ForeignValues.PutAsync(database, list + part, name);
                await RevokeAsync(replica.Admin, $$"""{"jti":"{{part}}{{name}}"}""");
                revoked++;
                await WrittenAsync();
                await ForeignValues.PutAsync(database, list + part, name);
                await WrittenAsync();

                Task WrittenAsync() => Eventually.Async(
                    async () => (await database.KeyTypeAsync(list), await database.KeyTypeAsync($"{list}:order"), await database.KeyTypeAsync($"{list}:number")) == (RedisType.Hash, RedisType.SortedSet, RedisType.String)
                        && await database.StringGetAsync($"{list}:number") != "evil" && await database.HashLengthAsync(list) == revoked && await database.SortedSetLengthAsync($"{list}:order") == revoked,
                    s_limit,
                    $"the list to be written again after {part}, {name}");
            }
        }

        var late = await ReplicaAsync();
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(late.Client, Token("j1")));
        Assert.True(replica.Get<ForgedRecords>().Total >= 6, "What was there was not counted.");
    }

    [Fact]
    public async Task Without_redis_the_list_stays_and_a_redis_that_has_lost_it_gets_it_again()
    {
        await using var own = new RedisServer();
        await own.RequireAsync();
        var replica = Own(await EventsHost.StartAsync(own, _prefix, [.. Tokens.Settings]));
        var token = Token("j1");
        await RevokeAsync(replica.Admin, """{"jti":"j1"}""");
        await own.KillAsync();
        await UntilAsync(() => !replica.Get<RedisStatus>().IsConnected, "the loss of Redis");
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(replica.Client, token, "/whoami"));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(replica.Client, Token("j2"), "/whoami")).Status);
        using (var refused = await replica.Admin.PostAsync("/admin/revocations", new StringContent("""{"jti":"j2"}"""), Cancellation))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        // Empty, as after a failover to a server without data.
        await own.RequireAsync();
        await using var connection = await own.ConnectAsync();
        await Eventually.Async(async () => await connection.GetDatabase().HashLengthAsync($"{{{_prefix}:revocations}}") == 1, TimeSpan.FromSeconds(30), "the list to be written again");
        var late = Own(await EventsHost.StartAsync(own, _prefix, [.. Tokens.Settings]));
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(late.Client, token, "/whoami"));
    }

    [Fact]
    public async Task Before_the_list_was_ever_read_no_credential_counts_and_nobody_is_called_invalid()
    {
        var replica = Own(await EventsHost.StartAsync($"127.0.0.1:{Ports.Next()},abortConnect=false,connectTimeout=200", _prefix, [.. Tokens.Settings]));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, AuthReason.Unavailable), await AskAsync(replica.Client, Token("j1"), "/whoami"));
    }

    [Fact]
    public async Task A_full_redis_keeps_no_entry_and_all_that_run_know_it()
    {
        await using var own = new RedisServer();
        await using var connection = await own.ConnectAsync();
        var (one, two) = (Own(await EventsHost.StartAsync(own, _prefix, [.. Tokens.Settings])), Own(await EventsHost.StartAsync(own, _prefix, [.. Tokens.Settings])));
        await connection.GetServers()[0].ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        using var answer = await one.Admin.PostAsync("/admin/revocations", new StringContent("""{"jti":"j1"}"""), Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("redis-full", (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("reason").GetString());
        await Eventually.Async(async () => await AskAsync(two.Client, Token("j1"), "/whoami") == (HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), s_limit, "the other replica to know");
        Assert.Equal((HttpStatusCode.Unauthorized, AuthReason.TokenRevoked), await AskAsync(one.Client, Token("j1"), "/whoami"));
    }

    private static string Token(string? id, string sub = "alice", TimeSpan issued = default) => Tokens.Make(["t"], ["t"], sub, change: claims =>
    {
        claims["iat"] = (TimeProvider.System.GetUtcNow() + issued).ToUnixTimeSeconds();
        if (id is not null)
        {
            claims["jti"] = id;
        }
    });

    private async Task<SseReader> OpenAsync(HttpClient client, string token)
    {
        var reader = await SseReader.OpenAsync(With(client, token), "/events?topic=t");
        await reader.OpenedAsync();
        return reader;
    }

    private static async Task EndsAsync(SseReader reader)
    {
        var last = await reader.NextAsync(s_limit);
        Assert.Equal(AccessRefusal.EventName, last?.Type);
        Assert.Contains($"\"reason\":\"{AuthReason.TokenRevoked}\"", last!.Data, StringComparison.Ordinal);
        Assert.InRange(reader.Retry!.Value, 30_000, 60_000);
        Assert.Null(await reader.NextAsync(s_limit));
    }

    private static async Task<JsonElement> RevokeAsync(HttpClient admin, string body)
    {
        using var answer = await admin.PostAsync("/admin/revocations", new StringContent(body), Cancellation);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
        return await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
    }

    private static async Task<(HttpStatusCode Status, string? Reason)> AskAsync(HttpClient client, string token, string path = "/topics/t")
    {
        using var answer = await client.SendAsync(HttpMethod.Get, path, ("Authorization", $"Bearer {token}"));
        var problem = answer.Content.Headers.ContentType?.MediaType == "application/problem+json" ? await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation) : default;
        return (answer.StatusCode, problem.ValueKind == JsonValueKind.Object && problem.TryGetProperty("reason", out var reason) ? reason.GetString() : null);
    }

    private HttpClient With(HttpClient client, string credential) => Own(new Disposed(new HttpClient { BaseAddress = client.BaseAddress, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", credential) } })).Client;

    private async Task<EventsHost> ReplicaAsync(params (string Key, string Value)[] settings) =>
        Own(await EventsHost.StartAsync(redis, _prefix, [.. Tokens.Settings, ("Security:PublicTopics:0", "news.*"), ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200"), .. settings]));

    private async Task<GatewayHost> GatewayAsync(int replicas, params (string Key, string Value)[] settings)
    {
        var gateway = Own(await GatewayHost.StartAsync(
            null,
            new Dictionary<string, string?>(Tokens.Settings.Concat(settings).Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)), StringComparer.OrdinalIgnoreCase)
            {
                ["ConnectionStrings:redis"] = redis.ConnectionString,
                ["Cluster:KeyPrefix"] = _prefix,
            }));
        await UntilAsync(() => gateway.AvailableReplicas() == replicas, $"{replicas} replicas to be routed to");
        return gateway;
    }

    private sealed class Disposed(HttpClient client) : IAsyncDisposable
    {
        public HttpClient Client => client;

        public ValueTask DisposeAsync()
        {
            client.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
