using System.Net.Http.Headers;
using System.Security.Cryptography;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Access;

/// <summary>
/// A cluster of processes, as much logged as can be, that meets every kind of secret, good and bad, where it belongs and where it does not.
/// What it prints, exports, lists and answers is searched for them: what the dashboard shows is what is exported and printed.
/// </summary>
public sealed class FullRunSecrecyTests(RedisServer redis) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private const string Topic = "orders.1";
    private const string Page = "https://shop.test";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly SecretSearch _secrets = new();
    private readonly ConcurrentQueue<(string Source, string Text)> _texts = new();
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly TestCertificate _certificate = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("sseapp-run-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
        {
            await owned.DisposeAsync();
        }

        _certificate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [LongFact]
    public async Task No_secret_of_a_whole_run_is_printed_exported_listed_or_answered()
    {
        // What is configured.
        var issuerKey = _secrets.Add("the issuer's key", Random());
        var gatewayKey = _secrets.Add("the gateway key", Random());
        _secrets.AddBytes("the gateway key", Convert.FromBase64String(gatewayKey));
        var redisPassword = _secrets.Add("the password of Redis", Random());
        var collectorKey = _secrets.Add("the collector's key", Random());
        var pfxPassword = _secrets.Add("the password of the certificate", Random());
        var webhook = _secrets.Add("the path of the webhook", Random().Replace('/', '-'));
        _secrets.Add("the operators' key", OperatorAccess.Key.Text);
        var keys = (Good: ApiKey.New(), Removed: ApiKey.New());
        foreach (var (name, key) in new[] { ("an API key", keys.Good), ("an API key that is not known", keys.Removed) })
        {
            _secrets.Add(name, key.Text, key.Text[^43..]);
        }

        var keyFile = Path.Combine(_folder, "keys.json");
        ApiKeyStore.Write(keyFile, [new StoredApiKey(keys.Good.Id, "billing", ApiKey.Hash(keys.Good.Text), new Grants(["orders.*"], ["orders.*"], []))]);
        var pfx = _certificate.WritePfx("events", pfxPassword);
        await using (var connection = await redis.ConnectAsync())
        {
            await connection.GetDatabase().ExecuteAsync("CONFIG", "SET", "requirepass", redisPassword);
        }

        var sink = Own(await TelemetrySink.StartAsync());
        (string Name, string Value)[] common =
        [
            .. sink.Environment,
            ("OTEL_EXPORTER_OTLP_HEADERS", $"x-otlp-api-key={collectorKey}"),
            ("ConnectionStrings__redis", $"{redis.ConnectionString},password={redisPassword}"),
            ("Cluster__KeyPrefix", Guid.NewGuid().ToString("N")),
            ("Security__GatewayKey", gatewayKey),
            ("Security__AllowAnonymous", "false"),
            ("Security__Issuers__0__Issuer", Tokens.Issuer),
            ("Security__Issuers__0__Audience", Tokens.Audience),
            ("Security__Issuers__0__Key", issuerKey),
            ("Security__ApiKeyFile", keyFile),
            ("Logging__LogLevel__Default", "Trace"),
            ("Logging__LogLevel__Microsoft.AspNetCore", "Trace"),
            ("Limits__ConnectsPerSecond", "0"), ("Limits__StreamsPerAddress", "0"), ("Limits__EventsPerSecond", "0"), ("Limits__ReadsPerSecond", "0"), ("Limits__ReadsAtOnce", "0"),
            ("Drain__Window", "00:00:00"),
        ];
        // A level of one output goes before everything that is set for all of them.
        (string, string)[] ofOutputs = [("Logging__Console__LogLevel__Default", "Trace"), ("Logging__OpenTelemetry__LogLevel__Default", "Trace")];
        (string, string)[] ofGateways =
        [
            ("AccessLog__Enabled", "true"), ("Cors__Origins__0", Page), ("Alerts__WebhookUrl", $"http://127.0.0.1:{Ports.Next()}/services/{webhook}"), ("Alerts__NoReplicaFor", "00:00:00"), ("Alerts__StartupGrace", "00:00:00"),
            ("ReverseProxy__Routes__down__ClusterId", "down"), ("ReverseProxy__Routes__down__Match__Path", "/down/{**rest}"), ("ReverseProxy__Routes__down__AuthorizationPolicy", "anonymous"),
            ("ReverseProxy__Clusters__down__Destinations__one__Address", $"http://127.0.0.1:{Ports.Next()}/"),
        ];
        var tls = new Uri($"https://127.0.0.1:{Ports.Next()}");
        var one = Service("replica-one", "SseApp.Events", [.. common, .. ofOutputs]);
        var two = Service("replica-two", "SseApp.Events", common);
        var gateway = Service("gateway-relay", "SseApp.Gateway", [.. common, .. ofGateways, .. ofOutputs, ("Tls__CertificateFile", pfx), ("Tls__Password", pfxPassword), ("Tls__Urls", tls.AbsoluteUri), ("Tls__Redirect", "false")]);
        var direct = Service("gateway-direct", "SseApp.Gateway", [.. common, .. ofGateways, ("Relay__Enabled", "false")]);
        ServiceProcess[] services = [one, two, gateway, direct];
        await Task.WhenAll(services.Select(service => service.StartAsync()).Append(RefusedStartAsync()).Append(WrongPasswordAsync(common)));
        foreach (var service in new[] { gateway, direct })
        {
            using var admin = OperatorAccess.Client(service.Admin);
            await Eventually.Async(
                async () => (await admin.GetFromJsonAsync<JsonElement>("/admin/replicas", Cancellation)).EnumerateArray().Count(replica => replica.GetProperty("health").GetString() == "healthy") >= 2,
                s_limit, "the replicas to be routed to");
        }

        // What clients send.
        var reader = _secrets.AddToken("a token", Tokens.Make(["orders.*"], ["orders.*"], key: issuerKey));
        string[] bad =
        [
            _secrets.AddToken("an expired token", Tokens.Make(["*"], ["*"], life: TimeSpan.FromMinutes(-5), key: issuerKey)),
            _secrets.AddToken("a token of another key", Tokens.Make(["*"], ["*"])),
            _secrets.AddToken("a token of another issuer", Tokens.Make(["*"], ["*"], key: issuerKey, change: claims => claims["iss"] = "other")),
            _secrets.Add("a damaged token", $"e30.{Random().Replace('/', '_')}"),
            _secrets.Add("a damaged API key", $"{ApiKey.Prefix}x_{Random()[..30].Replace('/', '_').Replace('+', '-')}"),
            keys.Removed.Text,
            _secrets.Add("a text that is nothing", Random()),
        ];
        using var secure = _certificate.Client(tls);
        secure.DefaultRequestVersion = HttpVersion.Version20;
        secure.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        (string Way, HttpClient Client)[] ways = [("gateway, HTTP/2", secure), ("gateway", new() { BaseAddress = gateway.Address }), ("gateway without relay", new() { BaseAddress = direct.Address }), ("replica", new() { BaseAddress = one.Address })];
        var trace = RandomNumberGenerator.GetBytes(16);
        foreach (var (way, client) in ways)
        {
            await AskAsync(way, client, HttpMethod.Get, "/whoami", null, ("Authorization", $"Bearer {reader}"), ("traceparent", $"00-{Convert.ToHexStringLower(trace)}-b7ad6b7169203331-01"));
            foreach (var good in new[] { reader, keys.Good.Text })
            {
                Assert.Equal(HttpStatusCode.OK, await AskAsync(way, client, HttpMethod.Get, $"/events?topic={Topic}", null, ("Authorization", $"Bearer {good}")));
                Assert.Equal(HttpStatusCode.Created, await AskAsync(way, client, HttpMethod.Post, $"/topics/{Topic}/events", "data", ("Authorization", $"Bearer {good}"), ("Idempotency-Key", Guid.NewGuid().ToString("N"))));
                Assert.Equal(HttpStatusCode.OK, await AskAsync(way, client, HttpMethod.Get, "/whoami", null, ("Authorization", $"Bearer {good}")));
                Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(way, client, HttpMethod.Get, "/topics/secret.1/events", null, ("Authorization", $"Bearer {good}")));
            }

            Assert.Equal(HttpStatusCode.OK, await AskAsync(way, client, HttpMethod.Get, $"/events?topic={Topic}", null, ("Cookie", $"{SessionCookie.Name}={reader}")));
            await AskAsync(way, client, HttpMethod.Post, "/publish", $"[{{\"topics\":[\"{Topic}\",\"secret.1\"],\"data\":\"a\"}}]", ("Cookie", $"{SessionCookie.Name}={reader}"), ("Origin", "https://elsewhere.test"));
            foreach (var wrong in bad)
            {
                Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(way, client, HttpMethod.Get, "/whoami", null, ("Authorization", $"Bearer {wrong}")));
                await AskAsync(way, client, HttpMethod.Post, $"/topics/{Topic}/events", "data", ("Authorization", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"user:{wrong}"))}"));
                Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(way, client, HttpMethod.Get, $"/topics/{Topic}", null, ("Cookie", $"{SessionCookie.Name}={wrong}")));
                await AskAsync(way, client, HttpMethod.Get, $"/events?topic={Topic}", null, ("Accept", "text/event-stream"), ("Cookie", $"{SessionCookie.Name}={wrong}"));
                await AskAsync(way, client, HttpMethod.Post, "/session", "", ("Authorization", $"Bearer {wrong}"), ("Cookie", $"{SessionCookie.Name}={reader}"));
            }

            foreach (var misplaced in new[] { reader, keys.Good.Text, bad[0], bad[^1] })
            {
                await MisplaceAsync(way, client, misplaced);
            }

            await TicketsAsync(way, client, reader);

            // Whoever signs in gets the cookie, and nobody else.
            var session = _secrets.AddToken("a token of a session", Tokens.Make(["orders.*"], key: issuerKey));
            await AskAsync(way, client, HttpMethod.Post, "/session", "", ("Authorization", $"Bearer {session}"));
            await AskAsync(way, client, HttpMethod.Delete, "/session", null, ("Cookie", $"{SessionCookie.Name}={session}"), ("Sec-Fetch-Site", "same-origin"));
        }

        foreach (var service in services)
        {
            await OperateAsync(service, [keys.Good.Text, keys.Removed.Text, .. bad[..2], _secrets.AddToken($"an operator's token at {service.Name}", Tokens.Make(change: claims => claims["scope"] = Grants.AdminScope, key: issuerKey))], reader);
        }

        // What fails: an upstream that is not there, a replica that is lost, and Redis.
        await using (var open = await SseReader.OpenAsync(WithToken(gateway, reader), $"/events?topic={Topic}"))
        {
            await open.OpenedAsync();
            await two.Process.KillAsync();
            foreach (var (way, client) in ways[..3])
            {
                Assert.Equal(HttpStatusCode.BadGateway, await AskAsync(way, client, HttpMethod.Get, $"/down/x?access_token={Uri.EscapeDataString(reader)}", null, ("Authorization", $"Bearer {reader}"), ("Cookie", $"{SessionCookie.Name}={reader}")));
                await AskAsync(way, client, HttpMethod.Post, $"/topics/{Topic}/events", "data", ("Authorization", $"Bearer {reader}"));
            }
        }

        var (ticket, _) = await TicketAsync(ways[^1].Client, reader);
        await redis.KillAsync();
        await one.Process.KillAsync();
        await one.StartAsync();
        foreach (var (way, client) in ways)
        {
            await AskAsync(way, client, HttpMethod.Get, $"/events?topic={Topic}&ticket={ticket}", null);
            await AskAsync(way, client, HttpMethod.Post, $"/topics/{Topic}/events", "data", ("Authorization", $"Bearer {keys.Good.Text}"));
            await AskAsync(way, client, HttpMethod.Post, "/tickets", $"{{\"topics\":[\"{Topic}\"]}}", ("Authorization", $"Bearer {reader}"));
            client.Dispose();
        }

        foreach (var service in services.Where(service => !service.Process.HasExited))
        {
            service.Process.Terminate();
            await service.Process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, Cancellation);
        }

        // It was all there to be told.
        foreach (var signal in new[] { "logs", "traces", "metrics" })
        {
            var taken = sink.Taken(signal);
            Assert.All(services, service => Assert.Contains(service.Name, taken, StringComparison.Ordinal));
            _texts.Enqueue((signal, taken));
        }

        // Lines of a request and its spans are found by one another.
        Assert.Contains(Encoding.Latin1.GetString(trace), sink.Taken("logs"), StringComparison.Ordinal);
        Assert.Contains(Encoding.Latin1.GetString(trace), sink.Taken("traces"), StringComparison.Ordinal);

        var printed = _texts.Where(text => text.Source.StartsWith("output of", StringComparison.Ordinal)).ToLookup(text => text.Source, text => text.Text);
        Assert.All(services, service => Assert.Contains(printed[$"output of {service.Name}"], line => line.Contains("trce:", StringComparison.Ordinal)));
        Assert.Contains(printed["output of gateway-relay"], line => line.Contains("\"path\":\"/whoami\"", StringComparison.Ordinal));
        var found = _secrets.Find(_texts).Distinct(StringComparer.Ordinal).ToArray();
        Assert.True(found.Length == 0, $"{found.Length} texts have a secret: {string.Join('\n', found.Take(40))}");
    }

    private static string Random() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private ServiceProcess Service(string name, string project, (string Name, string Value)[] environment) => Own(new ServiceProcess(
        name, project, environment.GroupBy(variable => variable.Name, StringComparer.Ordinal).ToDictionary(variable => variable.Key, variable => variable.Last().Value, StringComparer.Ordinal), onLine: line => _texts.Enqueue(($"output of {name}", line))));

    // Secrets that are wrong where they are configured.
    private async Task RefusedStartAsync()
    {
        var refused = Service("refused", "SseApp.Gateway",
        [
            ("Security__GatewayKey", _secrets.Add("a gateway key that is none", $"{Random()}!")),
            ("Security__Issuers__0__Issuer", "i"), ("Security__Issuers__0__Audience", "a"), ("Security__Issuers__0__Key", _secrets.Add("an issuer's key that is too short", Random()[..20])),
            ("Security__Issuers__1__Issuer", "j"), ("Security__Issuers__1__Audience", "a"), ("Security__Issuers__1__Authority", $"https://user:{_secrets.Add("a password of an authority", Random().Replace('/', '_'))}@issuer.test/"),
            ("Alerts__WebhookUrl", _secrets.Add("a webhook that is no address", Random())),
            ("Logging__LogLevel__Default", "Trace"),
        ]);
        await Assert.ThrowsAsync<InvalidOperationException>(refused.StartAsync);
    }

    private async Task WrongPasswordAsync((string Name, string Value)[] common)
    {
        var wrong = Service("wrong-password", "SseApp.Events", [.. common, ("ConnectionStrings__redis", $"{redis.ConnectionString},user=nobody,password={_secrets.Add("a wrong password of Redis", Random())}")]);
        await wrong.StartAsync();
        using var admin = OperatorAccess.Client(wrong.Admin);
        _texts.Enqueue(("health of wrong-password", await (await admin.GetAsync("/health", Cancellation)).Content.ReadAsStringAsync(Cancellation)));
        await wrong.Process.KillAsync();
    }

    private static HttpClient WithToken(ServiceProcess service, string token) => new() { BaseAddress = service.Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };

    private async Task<HttpStatusCode> AskAsync(string way, HttpClient client, HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        if (body is not null)
        {
            request.Content = new StringContent(body);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        var isOpen = answer.IsSuccessStatusCode && path.StartsWith("/events", StringComparison.Ordinal) && !headers.Any(header => header.Name == "Accept");
        try
        {
            var text = isOpen ? "" : await answer.Content.ReadAsStringAsync(Cancellation).WaitAsync(s_limit / 3, TimeProvider.System, Cancellation);
            _texts.Enqueue(($"answer of {way} to {method} {path.Split('?')[0]}", $"{string.Join('\n', answer.Headers.Where(header => header.Key != "Set-Cookie").SelectMany(header => header.Value))} {text}"));
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"The answer of {way} to {method} {path} with {string.Join(", ", headers)} has no end: {answer}", exception);
        }

        return answer.StatusCode;
    }

    /// <summary>A good or a bad credential in places that nobody reads, or reads as something else.</summary>
    private async Task MisplaceAsync(string way, HttpClient client, string secret)
    {
        var escaped = Uri.EscapeDataString(secret);
        foreach (var path in new[] { $"/events?topic={Topic}&access_token={escaped}", $"/whoami?token={escaped}", $"/topics/{Topic}/events?key={escaped}", $"/none?{escaped}", $"/events?topic={Topic}&ticket={escaped}", $"/publish?ticket={escaped}&ticket={escaped}" })
        {
            await AskAsync(way, client, path.Contains("/publish", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Get, path, null, ("Accept", "text/event-stream"), ("Referer", $"{Page}/?token={escaped}"));
        }

        foreach (var (name, value) in new[]
        {
            ("X-Api-Key", secret), ("Proxy-Authorization", $"Bearer {secret}"), ("Cookie", $"session={secret}"), ("Authorization", secret), ("Authorization", $"Token {secret}"), ("Last-Event-ID", secret),
            ("Origin", $"https://{escaped}@shop.test"), ("Referer", $"https://user:{escaped}@shop.test/"), ("Sse-Gateway", secret), ("Idempotency-Key", secret), ("If-None-Match", secret),
        })
        {
            await AskAsync(way, client, HttpMethod.Get, "/whoami", null, (name, value));
            await AskAsync(way, client, HttpMethod.Post, $"/topics/{Topic}/events", "data", (name, value));
            await AskAsync(way, client, HttpMethod.Get, RelayProtocol.Path, null, (name, value));
        }

        foreach (var path in new[] { "/tickets", "/publish", "/session" })
        {
            await AskAsync(way, client, HttpMethod.Post, path, $"{{\"token\":\"{secret}\",{secret}", ("Authorization", $"Bearer {secret}x"));
            if (path != "/session")
            {
                await AskAsync(way, client, HttpMethod.Post, path, secret, ("Authorization", $"Bearer {secret}"));
            }
        }
    }

    private async Task TicketsAsync(string way, HttpClient client, string token)
    {
        var (ticket, url) = await TicketAsync(client, token);
        using var page = new HttpRequestMessage(HttpMethod.Get, url) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy, Headers = { { "Origin", Page }, { "Referer", $"{Page}/?{url}" }, { "Accept", "text/event-stream" } } };
        using (var answer = await client.SendAsync(page, HttpCompletionOption.ResponseHeadersRead, Cancellation))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            _texts.Enqueue(($"a stream of {way}", $"{answer.Headers}"));
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation));
            while (await reader.ReadLineAsync(Cancellation) is { } line && !line.StartsWith("data:", StringComparison.Ordinal))
            {
                _texts.Enqueue(($"a stream of {way}", line));
            }
        }

        foreach (var path in new[] { url, $"{url}&topic=orders.2", $"/whoami?ticket={ticket}", $"/none?ticket={ticket}", $"/events?topic=%00&ticket={ticket}", $"/events?topic={Topic}&ticket={_secrets.Add("a ticket that is not known", Ticket.New())}" })
        {
            await AskAsync(way, client, HttpMethod.Get, path, null, ("Accept", "text/event-stream"));
            await AskAsync(way, client, HttpMethod.Get, path, null, ("Origin", "https://elsewhere.test"), ("Referer", $"{Page}{url}"));
        }
    }

    private async Task<(string Ticket, string Url)> TicketAsync(HttpClient client, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/tickets")
        {
            Version = client.DefaultRequestVersion,
            VersionPolicy = client.DefaultVersionPolicy,
            Content = new StringContent($"{{\"topics\":[\"{Topic}\"]}}"),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
        using var answer = await client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var made = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        return (_secrets.Add("a ticket", made.GetProperty("ticket").GetString()!), made.GetProperty("url").GetString()!);
    }

    /// <summary>All lists, with credentials of all kinds; an operator may be asked for ten things a second.</summary>
    private async Task OperateAsync(ServiceProcess service, string[] credentials, string token)
    {
        using var good = OperatorAccess.Client(service.Admin);
        foreach (var path in new[] { "/admin/replicas", "/admin/connections", "/admin/topics", "/admin/revocations", "/admin/process", "/admin/alerts", "/metrics", "/health" })
        {
            await AskAsync(service.Name, good, HttpMethod.Get, path, null);
        }

        using var anybody = new HttpClient { BaseAddress = service.Admin };
        foreach (var credential in credentials.Append(_secrets.Add("a wrong key of operators", Random())))
        {
            await AskAsync(service.Name, anybody, HttpMethod.Get, $"/admin/connections?key={Uri.EscapeDataString(credential)}", null, ("Authorization", $"Bearer {credential}"));
            await AskAsync(service.Name, anybody, HttpMethod.Delete, "/topics/orders.9", null, ("Authorization", credential), ("Referer", $"http://x/?{credential}"));
        }

        foreach (var body in new[] { $"{{\"apiKey\":\"{credentials[1]}\"}}", $"{{\"ticket\":\"{_secrets.Add("a ticket of nobody", Ticket.New())}\"}}", $"{{\"jti\":\"x\",{token}", token, $"{{\"token\":\"{token}\"}}", $"{{\"ticket\":\"{token}\"}}" })
        {
            await AskAsync(service.Name, good, HttpMethod.Post, "/admin/revocations", body);
        }
    }
}
