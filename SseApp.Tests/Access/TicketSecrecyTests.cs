using System.Net.Http.Headers;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.Access;

/// <summary>A ticket stands in a URL, and URLs are written down in many places.</summary>
public sealed class TicketSecrecyTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const string Page = "https://shop.test";

    private readonly string _prefix = Guid.NewGuid().ToString("N");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-log-");

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task Whatever_becomes_of_it_it_is_in_no_log_metric_list_or_error(string relay)
    {
        var log = Path.Combine(_folder.FullName, "access.log");
        (string, string)[] settings = [.. Tokens.Settings, ("Logging:LogLevel:Default", "Trace"), ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200")];
        var one = Own(await EventsHost.StartAsync(redis, _prefix, settings));
        var two = Own(await EventsHost.StartAsync(redis, _prefix, settings));
        var gateway = Own(await GatewayHost.StartAsync(
            null,
            new Dictionary<string, string?>(settings.Select(setting => KeyValuePair.Create(setting.Item1, (string?)setting.Item2)), StringComparer.OrdinalIgnoreCase)
            {
                ["ConnectionStrings:redis"] = redis.ConnectionString,
                ["Cluster:KeyPrefix"] = _prefix,
                ["Cors:Origins:0"] = Page,
                ["Relay:Enabled"] = relay,
                ["AccessLog:Enabled"] = "true",
                ["AccessLog:File"] = log,
            }));
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the replicas to be routed to");

        var (ticket, url) = await MakeAsync(gateway.Client);
        using var page = new HttpClient { BaseAddress = gateway.Address, DefaultRequestHeaders = { { "Origin", Page }, { "Referer", $"{Page}/?{url}" } } };
        await using var first = await SseReader.OpenAsync(page, url);
        Assert.Equal(Page, first.Response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        await first.OpenedAsync();

        // Listed, moved to the other replica, taken over, misused.
        var texts = new List<string>();
        foreach (var admin in new[] { gateway.Admin, one.Admin, two.Admin })
        {
            texts.Add(await admin.GetStringAsync("/admin/connections", Cancellation));
        }

        await using var second = await SseReader.OpenAsync(page, url, first.LastEventId);
        await second.OpenedAsync();
        Assert.Equal(AccessRefusal.EventName, (await first.NextAsync())?.Type);
        foreach (var path in new[] { url, $"{url}&topic=orders.2", $"/topics/orders.1?ticket={ticket}", $"/none?ticket={ticket}", $"/none?Ticket={ticket}&x", $"/admin/connections?ticket={ticket}", $"/events?topic=%00&ticket={ticket}", $"/events?ticket={ticket}" })
        {
            foreach (var address in new[] { gateway.Address, one.Address })
            {
                using var client = new HttpClient { BaseAddress = address };
                using var answer = await client.GetAsync(path, Cancellation);
                Assert.False(answer.IsSuccessStatusCode);
                texts.Add($"{answer.Headers} {await answer.Content.ReadAsStringAsync(Cancellation)}");
            }
        }

        // An operator takes it back.
        using (var revoked = await gateway.Admin.PostAsync("/admin/revocations", new StringContent($$"""{"ticket":"{{ticket}}"}"""), Cancellation))
        {
            texts.Add(await revoked.Content.ReadAsStringAsync(Cancellation));
            Assert.Equal(HttpStatusCode.OK, revoked.StatusCode);
        }

        Assert.Contains(AuthReason.TokenRevoked, (await second.NextAsync())?.Data, StringComparison.Ordinal);
        texts.Add(await gateway.Admin.GetStringAsync("/admin/revocations", Cancellation));

        // Nobody is left who could serve it.
        one.Get<DrainState>().Begin();
        two.Get<DrainState>().Begin();
        await UntilAsync(() => gateway.AvailableReplicas() == 0, "no replica to be left");
        await using var refused = await SseReader.OpenAsync(page, url, second.LastEventId);
        Assert.Equal("stream.unavailable", (await refused.NextAsync())?.Type);

        foreach (var admin in new[] { gateway.Admin, one.Admin, two.Admin })
        {
            texts.Add(await admin.GetStringAsync("/metrics", Cancellation));
        }

        foreach (var services in new[] { gateway.Services, one.Services, two.Services })
        {
            var records = services.GetFakeLogCollector().GetSnapshot();
            Assert.Contains(records, record => record.Level == LogLevel.Trace || record.Level == LogLevel.Debug);
            texts.AddRange(records.Select(record => $"{record.Category}: {record.Message} {record.Exception} {string.Join(' ', record.StructuredState ?? [])} {string.Join(' ', record.Scopes.Select(Scope))}"));
        }

        await Eventually.Async(() => File.Exists(log) && File.ReadAllText(log).Contains("/none", StringComparison.Ordinal), TimeSpan.FromSeconds(10), "the access log");
        texts.Add(await File.ReadAllTextAsync(log, Cancellation));
        Assert.DoesNotContain(texts, text => text.Contains(ticket, StringComparison.Ordinal));
    }

    private static string Scope(object? scope) => scope is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs) : $"{scope}";

    private static async Task<(string Ticket, string Url)> MakeAsync(HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/tickets")
        {
            Content = new StringContent("""{"topics":["orders.1"]}"""),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(["orders.*"])) },
        };
        using var answer = await client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var made = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation));
        return (made.GetProperty("ticket").GetString()!, made.GetProperty("url").GetString()!);
    }
}
