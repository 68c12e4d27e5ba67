using System.Net.Http.Headers;
using SseApp.Events.Replicas;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>A page of another site with a ticket, as the second recipe of docs/security.md has it, in a real browser.</summary>
public sealed class TicketPageTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const string Topic = "news.today";
    private const string Others = "others";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    // Opens the URL of its fragment, or asks for a ticket. When it is told to, it shows itself twice more: as a second tab of its own
    // origin, and as a page of another one.
    private const string Page = """
        <!doctype html><meta charset="utf-8"><title>Shop</title><script type="module">
        const frame = location.hash.slice(1).split(',');
        const name = frame[1] ? frame[0] : 'page';
        let order = 0;
        const report = (kind, text) => fetch('/test/report', { method: 'POST', body: JSON.stringify({ name, order: order++, kind, text }) });
        const url = frame[1] ? decodeURIComponent(frame[1]) : '{gateway}' + (await (await fetch('/ticket', { method: 'POST' })).json()).url;
        const stream = new EventSource(url);
        let last = '';
        stream.addEventListener('stream.open', e => { last = e.lastEventId; report('open', JSON.parse(e.data).replica); });
        stream.addEventListener('stream.unauthorized', e => report('unauthorized', e.data));
        stream.addEventListener('stream.gap', e => report('gap', e.data));
        stream.onmessage = e => {
          last = e.lastEventId;
          report('event', e.data);
          if (e.data === '{others}' && name === 'page') {
            const other = location.origin.replace('localhost', '127.0.0.1');
            const resumed = `${url}&lastEventId=${encodeURIComponent(last)}`;
            for (const [who, where, source] of [['tab', location.origin, url], ['elsewhere', other, url], ['elsewhere that resumes', other, resumed]]) {
              document.body.append(Object.assign(document.createElement('iframe'), { src: `${where}/test/page#${encodeURIComponent(who)},${encodeURIComponent(source)}` }));
            }
          }
        };
        </script><body></body>
        """;

    private readonly ConcurrentQueue<Shown> _shown = new();
    private readonly ConcurrentQueue<string> _tickets = new();

    [LongFact]
    public async Task It_gets_events_survives_a_drain_is_nobody_elses_and_ends_when_it_is_revoked()
    {
        var prefix = Guid.NewGuid().ToString("N");
        (string, string)[] settings = [.. Tokens.Settings, ("Streaming:RetryMin", "00:00:00.200"), ("Streaming:RetryMax", "00:00:00.500")];
        EventsHost[] replicas = [Own(await EventsHost.StartAsync(redis, prefix, settings)), Own(await EventsHost.StartAsync(redis, prefix, settings))];

        // The page needs the gateway's address, and the gateway the page's.
        GatewayHost? gateway = null;
        await using var site = await PageServer.StartAsync(app =>
        {
            app.MapGet("/test/page", () => Results.Content(
                Page.Replace("{gateway}", gateway!.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal).Replace("{others}", Others, StringComparison.Ordinal), "text/html; charset=utf-8"));
            app.MapPost("/test/report", async (HttpRequest request) => _shown.Enqueue((await JsonSerializer.DeserializeAsync<Shown>(request.Body, JsonSerializerOptions.Web))!));
            app.MapPost("/ticket", async () => Results.Content(await MakeTicketAsync(gateway!), "application/json"));
        });
        var page = new UriBuilder(site.Address) { Host = "localhost" }.Uri;
        gateway = Own(await GatewayHost.StartAsync(null, new Dictionary<string, string?>(Tokens.Settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)), StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = prefix,
            // Both may read streams; the ticket is bound to the one that used it first.
            ["Cors:Origins:0"] = page.GetLeftPart(UriPartial.Authority),
            ["Cors:Origins:1"] = site.Origin,
        }));
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the replicas to be routed to");
        await using var browser = Chromium.Open(new Uri(page, "/test/page"));
        await Eventually.Async(() => Of("page", "open").Length == 1, s_limit, "the stream to open with the ticket");

        // A drain in the middle of what is published: the same EventSource comes back to the same URL.
        await PublishAsync(gateway, 0, 20);
        await Eventually.Async(() => Of("page", "event").Length > 0, s_limit, "the page to show events");
        var first = replicas.Single(replica => replica.Get<ReplicaIdentity>().Id == Of("page", "open")[0]);
        var draining = first.StopAsync();
        await PublishAsync(gateway, 20, 40);
        await draining;
        await Eventually.Async(() => Of("page", "event").Length == 40, s_limit, $"the page to show 40 events; it has {Of("page", "event").Length}");
        Assert.Equal(Numbers(40), Of("page", "event"));
        // All forty may have come before the drained stream ended.
        await Eventually.Async(() => Of("page", "open").Distinct(StringComparer.Ordinal).Count() == 2, s_limit, "the page to be at the other replica");
        Assert.Empty(Of("page", "gap"));
        var ticket = Assert.Single(_tickets);

        // A second tab has no position, and another origin has nothing to do with it: the page keeps its stream.
        await PublishOneAsync(gateway, Others);
        foreach (var who in new[] { "tab", "elsewhere", "elsewhere that resumes" })
        {
            await Eventually.Async(() => Of(who, "unauthorized").Length > 0, s_limit, $"'{who}' to be refused");
            Assert.Contains("token-invalid", Of(who, "unauthorized")[0], StringComparison.Ordinal);
            Assert.Empty(Of(who, "open"));
        }

        await PublishOneAsync(gateway, "still here");
        await Eventually.Async(() => Of("page", "event")[^1] == "still here", s_limit, "the page to have its stream still");
        Assert.Empty(Of("page", "unauthorized"));

        using var revoked = await gateway.Admin.PostAsJsonAsync("/admin/revocations", new { ticket }, Cancellation);
        revoked.EnsureSuccessStatusCode();
        await Eventually.Async(() => Of("page", "unauthorized").Length > 0, s_limit, "the page to be told of the revocation");
        Assert.Contains("token-revoked", Of("page", "unauthorized")[0], StringComparison.Ordinal);
        await PublishOneAsync(gateway, "unseen");
        Assert.Equal("still here", Of("page", "event")[^1]);
    }

    private string[] Of(string name, string kind) => [.. _shown.Where(shown => Uri.UnescapeDataString(shown.Name) == name && shown.Kind == kind).OrderBy(shown => shown.Order).Select(shown => shown.Text)];

    private static string[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(number => number.ToString(CultureInfo.InvariantCulture))];

    private async Task<string> MakeTicketAsync(GatewayHost gateway)
    {
        using var answer = await SendAsync(gateway, "/tickets", $$"""{"topics":["{{Topic}}"]}""", null);
        var made = await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
        _tickets.Enqueue(JsonSerializer.Deserialize<JsonElement>(made).GetProperty("ticket").GetString()!);
        return made;
    }

    private static async Task PublishAsync(GatewayHost gateway, int from, int to)
    {
        foreach (var data in Numbers(to)[from..])
        {
            await PublishOneAsync(gateway, data);
        }
    }

    private static Task PublishOneAsync(GatewayHost gateway, string data) => Eventually.Async(
        async () =>
        {
            // With its idempotency key it is stored once, however often it is tried.
            using var answer = await SendAsync(gateway, $"/topics/{Topic}/events", data, data.Replace(' ', '-'));
            return answer.IsSuccessStatusCode;
        },
        s_limit,
        $"'{data}' to be published");

    private static async Task<HttpResponseMessage> SendAsync(GatewayHost gateway, string path, string body, string? idempotencyKey)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(["news.*"], ["news.*"], sub: "shop")) },
        };
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return await gateway.Client.SendAsync(request);
    }

    // Reports may arrive out of order.
    private sealed record Shown(string Name, int Order, string Kind, string Text);
}
