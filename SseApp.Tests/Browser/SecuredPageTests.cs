using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>The site of samples/secured with its own page, as docs/security.md has it, in a real browser.</summary>
public sealed class SecuredPageTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

    // Each event is a report of the browser's, which a slow machine takes its time for: what is behind by more is not what is tested.
    private const int MaxAhead = 50;

    // What the page shows, in the order in which it showed it.
    private const string Reporter = """
        <script type="module">
        let order = 0;
        const report = (kind, text) => fetch("/test/report", { method: "POST", body: JSON.stringify({ order: order++, kind, text }) });
        new MutationObserver(() => report("state", document.getElementById("state").textContent)).observe(document.getElementById("state"), { childList: true });
        new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(node => report("event", node.textContent)))).observe(document.getElementById("events"), { childList: true });
        </script>
        """;

    private readonly ConcurrentQueue<Shown> _shown = new();

    [LongFact]
    public async Task It_goes_on_with_nothing_missing_through_a_drain_and_the_end_of_its_token_and_stops_when_it_is_revoked()
    {
        Assert.SkipWhen(Repository.Root is null, "The tests do not run inside the repository, so the sample is not here.");
        await redis.RequireAsync();
        var prefix = Guid.NewGuid().ToString("N");
        (string, string)[] security =
        [
            ("Security:AllowAnonymous", "false"), ("Security:Issuers:0:Issuer", "site"), ("Security:Issuers:0:Audience", "events"), ("Security:Issuers:0:Key", Tokens.Key),
        ];
        (string, string)[] times = [("Streaming:RetryMin", "00:00:00.200"), ("Streaming:RetryMax", "00:00:00.500")];
        EventsHost[] replicas = [await EventsHost.StartAsync(redis, prefix, [.. security, .. times]), Own(await EventsHost.StartAsync(redis, prefix, [.. security, .. times]))];
        await using var first = replicas[0];

        var site = new UriBuilder(Uri.UriSchemeHttp, "127.0.0.1", Ports.Next()).Uri;
        var start = new ProcessStartInfo("dotnet", [Repository.Assembly("samples/secured", "SseApp.Samples.Secured")]);
        start.Environment["ASPNETCORE_URLS"] = site.AbsoluteUri;
        start.Environment["Tokens__Key"] = Tokens.Key;
        start.Environment["Tokens__Life"] = "00:00:10";
        await using var program = ChildProcess.Start(start);

        var root = Path.Combine(Repository.Root!, "samples", "secured", "wwwroot");
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = prefix,
            ["ReverseProxy:Routes:site:ClusterId"] = "site",
            ["ReverseProxy:Routes:site:Match:Path"] = "/site/{**rest}",
            ["ReverseProxy:Routes:site:AuthorizationPolicy"] = "anonymous",
            ["ReverseProxy:Clusters:site:Destinations:one:Address"] = site.AbsoluteUri,
        };
        foreach (var (key, value) in security)
        {
            settings[key] = value;
        }

        var gateway = Own(await GatewayHost.StartAsync(null, settings, use: app =>
        {
            app.MapGet("/test/page", async () => Results.Content(await File.ReadAllTextAsync(Path.Combine(root, "index.html")) + Reporter, "text/html; charset=utf-8")).Needs(NeedKind.Nothing);
            app.MapPost("/test/report", async (HttpRequest request) => _shown.Enqueue((await JsonSerializer.DeserializeAsync<Shown>(request.Body, JsonSerializerOptions.Web))!)).Needs(NeedKind.Nothing);
        }));
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the replicas to be routed to");
        await Eventually.Async(() => AnswersAsync(site), s_limit, "the site to answer");
        await using var browser = Chromium.Open(new Uri(gateway.Address, "/test/page?user=alice"));
        await ShowsAsync("open", 1);

        // One publisher, a little ahead of the page, until that has been through all of it.
        using var stop = new CancellationTokenSource();
        var publishing = PublishAsync(gateway, stop.Token);
        await Eventually.Async(() => Events.Length > 3, s_limit, "the page to show events");
        await first.StopAsync();
        await ShowsAsync("token-expired", 1);
        await Eventually.Async(() => States.SkipWhile(state => state != "token-expired").Contains("open"), s_limit, "the stream to be open with the next token");
        await stop.CancelAsync();
        var published = await publishing;
        await Eventually.Async(() => Events.Length >= published, s_limit, $"the page to show {published} events; it has {Events.Length}");
        Assert.Equal(Enumerable.Range(0, published).Select(number => number.ToString(CultureInfo.InvariantCulture)), Events);

        using var revoked = await gateway.Admin.PostAsJsonAsync("/admin/revocations", new { sub = "alice" }, Cancellation);
        revoked.EnsureSuccessStatusCode();
        await ShowsAsync("token-revoked", 1);
        using var unseen = await PublishOneAsync(gateway, "unseen");
        Assert.Equal(HttpStatusCode.Created, unseen.StatusCode);
        Assert.Equal(published, Events.Length);
    }

    private string[] States => [.. _shown.Where(shown => shown.Kind == "state").OrderBy(shown => shown.Order).Select(shown => shown.Text)];

    private string[] Events => [.. _shown.Where(shown => shown.Kind == "event").OrderBy(shown => shown.Order).Select(shown => shown.Text)];

    private Task ShowsAsync(string state, int times) => Eventually.Async(
        () => States.Count(shown => shown == state) >= times, s_limit, $"the page to show '{state}'; it showed {string.Join(", ", States)}");

    private async Task<int> PublishAsync(GatewayHost gateway, CancellationToken stop)
    {
        var number = 0;
        while (!stop.IsCancellationRequested)
        {
            if (number - _shown.Count(static shown => shown.Kind == "event") >= MaxAhead)
            {
                await Task.Delay(s_poll, TimeProvider.System, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            using var answer = await PublishOneAsync(gateway, number.ToString(CultureInfo.InvariantCulture));
            // With its idempotency key it is stored once, however often it is tried.
            number += answer.IsSuccessStatusCode ? 1 : 0;
        }

        return number;
    }

    private static async Task<HttpResponseMessage> PublishOneAsync(GatewayHost gateway, string data)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/topics/user.alice.inbox/events")
        {
            Content = new StringContent(data),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make([], ["user.*"], sub: "publisher", change: claims => (claims["iss"], claims["jti"]) = ("site", "publisher"))) },
        };
        request.Headers.Add("Idempotency-Key", data);
        return await gateway.Client.SendAsync(request, Cancellation);
    }

    private static async Task<bool> AnswersAsync(Uri site)
    {
        try
        {
            using var http = new HttpClient { BaseAddress = site };
            using var answer = await http.PostAsync("/site/token?user=nobody", null, Cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    // Reports may arrive out of order.
    private sealed record Shown(int Order, string Kind, string Text);
}
