using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Chaos;

/// <summary>
/// Thousands of streams, relayed and direct, under a steady numbered publish, whose credentials end, are renewed, are taken back, and lose
/// the key that signed them; while a replica drains, and while Redis hangs.
/// </summary>
public sealed class LiveCredentialTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Pages = 3_000;
    private const int Topics = 10;
    private const int AtOnce = 250;
    private const string Common = "common.";
    private const string RevokedUser = "revoked";
    private const string SharedUser = "shared";
    private const string KeyUser = "key";

    private static readonly TimeSpan s_life = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_revoked = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_rotated = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(500);

    private readonly RedisServer _redis = new();
    private readonly string _keys = Path.GetTempFileName();
    private readonly (string Id, string Text) _publisher = ApiKey.New();
    private readonly (string Id, string Text) _revokedKey = ApiKey.New();
    private readonly List<HttpClient> _clients = [];
    private readonly List<SecuredPage> _pages = [];
    private readonly List<NumberedTopic> _topics = [];
    private int _ownEvents;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task Streams_end_with_their_credentials_and_nobody_else_does_while_a_replica_drains_and_while_Redis_hangs()
    {
        await using var issuer = await JwksServer.StartAsync();
        issuer.AddKey("old", "k1");
        issuer.AddKey("kept", "k2");
        ApiKeyStore.Write(
            _keys,
            [
                new StoredApiKey(_publisher.Id, "publisher", ApiKey.Hash(_publisher.Text), new Grants([], ["*"], [])),
                new StoredApiKey(_revokedKey.Id, "reader", ApiKey.Hash(_revokedKey.Text), new Grants([$"{Common}*", SecuredPage.TopicOf(KeyUser)], [], [])),
            ]);
        await using var cluster = await ServiceCluster.StartAsync(_redis, new ServiceClusterOptions
        {
            Settings =
            [
                .. issuer.Settings,
                .. Tokens.Settings.Select(setting => (setting.Key.Replace(":0:", ":1:", StringComparison.Ordinal), setting.Value)),
                ("Security:ApiKeyFile", _keys),
            ],
        });
        var publisher = Client(cluster.Gateway.Address);
        publisher.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _publisher.Text);
        _topics.AddRange(Enumerable.Range(0, Topics).Select(i => new NumberedTopic($"{Common}t{i}", publisher)));

        var shared = Token(SharedUser, claims => claims["jti"] = "shared-id");
        var revoked = new Dictionary<string, PageCredential>(StringComparer.Ordinal)
        {
            [RevokedUser] = PageCredential.Cookie(Token(RevokedUser)),
            [SharedUser] = PageCredential.Cookie(shared),
            [KeyUser] = new("Authorization", $"Bearer {_revokedKey.Text}"),
        };

        // Each of them comes over the gateway and directly.
        HttpClient gateway = Client(cluster.Gateway.Address);
        HttpClient[] replicas = [.. cluster.Replicas.Select(replica => Client(replica.Address))];
        var renewing = new List<SecuredPage>();
        var (leaving, leavingLater, rotated, staying) = (new List<SecuredPage>(), new List<SecuredPage>(), new List<SecuredPage>(), new List<SecuredPage>());
        for (var i = 0; i < Pages; i++)
        {
            var user = $"u{i}";
            var http = i / Topics % 5 == 0 ? replicas[i / 50 % replicas.Length] : gateway;
            switch (i % 10)
            {
                case <= 4:
                    Add(renewing, Renewing(user, http));
                    break;
                case 5:
                    Add(leaving, new SecuredPage(http, user, TopicOf(i), () => Short(user)));
                    break;
                case 6:
                    Add(leavingLater, Renewing(user, http));
                    break;
                case 7:
                    var of = revoked.Keys.ElementAt(i / 10 % revoked.Count);
                    // Many tokens of the one user; all the others share a credential.
                    _pages.Add(new SecuredPage(http, of, TopicOf(i), () => of == RevokedUser ? PageCredential.Cookie(Token(of)) : revoked[of]));
                    break;
                case 8:
                    Add(rotated, new SecuredPage(http, user, TopicOf(i), () => PageCredential.Cookie(issuer.Token("old", change: Claims(user)))));
                    break;
                default:
                    Add(staying, new SecuredPage(http, user, TopicOf(i), () => PageCredential.Cookie(i % 20 == 9 ? issuer.Token("kept", change: Claims(user)) : Token(user))));
                    break;
            }

            if (_pages.Count % AtOnce == 0)
            {
                await Eventually.Async(() => _pages.TrueForAll(page => page.Opened > 0 || page.KeptOut > 0 || page.Closed is not null), s_limit, "the streams to open");
            }

            SecuredPage Renewing(string of, HttpClient way) => new(way, of, TopicOf(i), () => Short(of)) { Renews = true };
        }

        Say("open");
        using var stopping = new CancellationTokenSource();
        var publishing = Task.WhenAll(_topics.Select(topic => PublishAsync(topic, stopping.Token)));
        try
        {
            await PublishOwnAsync(publisher);

            // A token ends: who has a new one is back, who has none is not.
            await ExpiryOfAsync(renewing);
            await Eventually.Async(() => leaving.TrueForAll(page => page.Expired > 0 && !page.IsStreaming), s_limit, "the streams without a new token to end");
            await PublishOwnAsync(publisher);
            Say("expired");

            // What is taken back, at any process, ends everywhere; nothing else does.
            using var gatewayOperator = OperatorAccess.Client(cluster.Gateway.Admin);
            using var replicaOperator = OperatorAccess.Client(cluster.Replicas[2].Admin);
            await RevokeAsync(gatewayOperator, $$"""{"sub":"{{RevokedUser}}","issuedBefore":"{{TimeProvider.System.GetUtcNow().AddMinutes(1):yyyy-MM-ddTHH:mm:ssZ}}"}""", RevokedUser);
            await RevokeAsync(replicaOperator, """{"jti":"shared-id"}""", SharedUser);
            await RevokeAsync(gatewayOperator, $$"""{"apiKey":"{{_revokedKey.Id}}"}""", KeyUser);
            Say("revoked");

            // A key leaves the set while a replica drains and tokens end.
            issuer.RemoveKey("old");
            issuer.AddKey("new", "k3");
            var rotation = Eventually.Async(() => rotated.TrueForAll(page => page.KeptOut > 0 && !page.IsStreaming), s_rotated, "the streams of the old key to end");
            var expiry = ExpiryOfAsync(renewing);
            var drained = cluster.Replicas[0];
            drained.Process.Terminate();
            await drained.Process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, Cancellation);
            await drained.StartAsync();
            await cluster.HealthyAsync(cluster.Replicas.Count);
            await expiry;
            await rotation;
            Say("drained and rotated");
            await using (var renewed = await SseReader.OpenAsync(With(gateway, PageCredential.Cookie(issuer.Token("new", change: Claims("new")))), $"/events?topic={SecuredPage.TopicOf("new")}"))
            {
                await renewed.OpenedAsync();
            }

            await PublishOwnAsync(publisher);

            // Redis hangs: tokens end all the same, and what was revoked stays so.
            leavingLater.ForEach(page => page.Renews = false);
            _redis.Freeze();
            try
            {
                foreach (var replica in replicas)
                {
                    foreach (var credential in revoked.Values)
                    {
                        await StaysRevokedAsync(replica, credential);
                    }
                }

                using (var refused = await gatewayOperator.PostAsync("/admin/revocations", new StringContent("""{"jti":"another"}"""), Cancellation))
                {
                    Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
                }

                await Eventually.Async(() => leavingLater.TrueForAll(page => !page.IsStreaming), s_limit, "the streams to end with their tokens");
                foreach (var replica in replicas)
                {
                    await StaysRevokedAsync(replica, revoked[SharedUser]);
                }
            }
            finally
            {
                _redis.Thaw();
            }

            Say("Redis hung");
            await ExpiryOfAsync(renewing);
            await PublishOwnAsync(publisher);
        }
        finally
        {
            await stopping.CancelAsync();
        }

        await publishing;
        SecuredPage[] living = [.. renewing, .. staying];
        await Eventually.Async(() => Array.TrueForAll(living, page => page.Last == page.Topic.Count - 1 && page.Own == _ownEvents), s_limit, "the last events to come");
        Say("finished");
        foreach (var page in _pages)
        {
            await page.DisposeAsync();
        }

        var faults = living.SelectMany(page => page.Faults(all: true)).Concat(_pages.Except(living).SelectMany(page => page.Faults(all: false)))
            .Concat(living.Concat(leaving).Concat(leavingLater).Where(page => page.KeptOut > 0).Select(page => $"The page of {page.User} was kept out."))
            .ToArray();
        Assert.True(faults.Length == 0, $"{faults.Length} faults; the first: {string.Join(" ", faults.Take(5))}");

        void Add(List<SecuredPage> group, SecuredPage page)
        {
            group.Add(page);
            _pages.Add(page);
        }

        NumberedTopic TopicOf(int i) => _topics[i / 10 % Topics];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var page in _pages)
        {
            await page.DisposeAsync();
        }

        _topics.ForEach(topic => topic.Dispose());
        _clients.ForEach(client => client.Dispose());
        await _redis.DisposeAsync();
        File.Delete(_keys);
    }

    private static PageCredential Short(string user) => PageCredential.Cookie(life => Token(user, life), s_life);

    private static string Token(string user, Action<Dictionary<string, object>>? change = null) => Tokens.Make(sub: user, change: claims =>
    {
        Claims(user)(claims);
        change?.Invoke(claims);
    });

    private static Action<Dictionary<string, object>> Claims(string user) => claims =>
    {
        claims["sub"] = user;
        claims[TokenClaims.DefaultSubscribe] = new[] { $"{Common}*", SecuredPage.TopicOf("{sub}") };
    };

    private static async Task PublishAsync(NumberedTopic topic, CancellationToken stopped)
    {
        using var pace = new PeriodicTimer(s_pace, TimeProvider.System);
        while (!stopped.IsCancellationRequested)
        {
            await topic.PublishAsync(CancellationToken.None);
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private async Task StaysRevokedAsync(HttpClient replica, PageCredential credential)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/whoami");
        request.Headers.TryAddWithoutValidation(credential.Header, credential.Value);
        using var answer = await replica.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal(AuthReason.TokenRevoked, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("reason").GetString());

        await using var stream = await SseReader.OpenAsync(With(replica, credential), $"/events?topic={Common}t0");
        var told = await stream.NextAsync();
        Assert.Equal((AccessRefusal.EventName, true), (told?.Type, told?.Data.Contains(AuthReason.TokenRevoked, StringComparison.Ordinal)));
        Assert.Null(await stream.NextAsync());
    }

    /// <summary>Everybody's token ends once more, and everybody has another stream.</summary>
    private static async Task ExpiryOfAsync(List<SecuredPage> pages)
    {
        var pending = pages.ConvertAll(page => (Page: page, page.Expired));
        // Not all at one moment: some are always between two tokens.
        await Eventually.Async(
            () =>
            {
                pending.RemoveAll(waiting => waiting.Page.Expired > waiting.Expired && waiting.Page.IsStreaming);
                return pending.Count == 0;
            },
            s_limit,
            "the streams to go on with the next token");
    }

    private async Task RevokeAsync(HttpClient operators, string body, string user)
    {
        using var answer = await operators.PostAsync("/admin/revocations", new StringContent(body), Cancellation);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
        var concerned = _pages.FindAll(page => page.User == user);
        await Eventually.Async(() => concerned.TrueForAll(page => page.KeptOut > 0 && !page.IsStreaming), s_revoked, $"the streams of {user} to end");
        Assert.All(_pages, page => Assert.True(page.KeptOut == 0 || page.User is RevokedUser or SharedUser or KeyUser, $"The page of {page.User} was kept out."));
    }

    /// <summary>One event for each user, whom nobody else may be.</summary>
    private async Task PublishOwnAsync(HttpClient publisher)
    {
        foreach (var some in _pages.Select(page => page.User).Distinct(StringComparer.Ordinal).Chunk(500))
        {
            var body = string.Join('\n', some.Select(user =>
                $$"""{"topic":"{{SecuredPage.TopicOf(user)}}","data":"{{SecuredPage.DataOf(user, _ownEvents)}}","idempotencyKey":"{{user}}-{{_ownEvents}}"}"""));
            await Eventually.Async(
                async () =>
                {
                    using var answer = await publisher.PostAsync("/publish", new StringContent(body), Cancellation);
                    return answer.IsSuccessStatusCode
                        && (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("results").EnumerateArray().All(item => item.GetProperty("status").GetInt32() is 200 or 201);
                },
                s_limit,
                "everybody's own event to be stored");
        }

        _ownEvents++;
    }

    private HttpClient Client(Uri address)
    {
        _clients.Add(new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan });
        return _clients[^1];
    }

    private HttpClient With(HttpClient client, PageCredential credential)
    {
        var with = Client(client.BaseAddress!);
        with.DefaultRequestHeaders.TryAddWithoutValidation(credential.Header, credential.Value);
        return with;
    }

    private void Say(string what) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():mm:ss} {what}: {_pages.Count(page => page.IsStreaming)} of {_pages.Count} stream, {_pages.Sum(page => page.Opened)} opened, {_pages.Sum(page => page.Expired)} expired, {_pages.Sum(page => page.Refused)} refused"));
}
