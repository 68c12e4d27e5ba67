using System.Text.RegularExpressions;
using SseApp.Tests.Docs;

namespace SseApp.Tests.Browser;

/// <summary>The page of docs/history.md, as it stands there, in a real browser.</summary>
public sealed partial class HistoryPageTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task A_page_that_joins_its_state_to_the_stream_misses_nothing_that_changes_in_between()
    {
        var example = Example().Match(await DocsFolder.ReadAsync("docs/history.md")).Value;
        Assert.Contains("/position?topic=orders", example, StringComparison.Ordinal);
        await using var host = await EventsHost.StartAsync(redis);
        await ChangeAsync("a", 1, "new");
        var asked = 0;
        await using var site = await PageServer.StartAsync(app =>
        {
            app.MapGet("/", () => Results.Content($"<!doctype html><meta charset=\"utf-8\">{example}", "text/html; charset=utf-8"));
            app.MapGet("/api/orders", async () =>
            {
                // After the id: this one is in the state and on the stream, the next ones are on the stream alone.
                asked++;
                await ChangeAsync("b", 1, "new");
                await ChangeAsync("a", 2, "paid");
                await ChangeAsync("c", 1, "new");
                return Results.Json(new[] { Order("a", 1, "new"), Order("b", 1, "new") });
            });
            app.MapGet("/position", (HttpContext context) => PassAsync(host, context));
            app.MapGet("/events", (HttpContext context) => PassAsync(host, context));
        });
        await using var page = await BrowserPage.OpenAsync();
        await page.GoToAsync(site.Address);

        await ShowsAsync("a: paid, b: new, c: new");
        await ChangeAsync("c", 2, "sent");
        await ShowsAsync("a: paid, b: new, c: sent");
        Assert.Equal(1, asked);
        Assert.Empty(page.Errors);

        async Task ShowsAsync(string orders) => await Eventually.Async(
            async () => (await page.EvaluateAsync("[...document.querySelectorAll('#orders li')].map(item => item.textContent).sort().join(', ')")).GetString() == orders, s_limit, $"the page to show {orders}");

        async Task ChangeAsync(string id, int version, string status)
        {
            using var published = await host.PublishAsync("orders", JsonSerializer.Serialize(Order(id, version, status)));
            published.EnsureSuccessStatusCode();
        }
    }

    private static object Order(string id, int version, string status) => new { id, version, status };

    /// <summary>Stands for a gateway of the same origin.</summary>
    private static async Task PassAsync(EventsHost host, HttpContext context)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{context.Request.Path}{context.Request.QueryString}") { Headers = { { "Accept", context.Request.Headers.Accept.ToString() } } };
            using var answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
            context.Response.ContentType = answer.Content.Headers.ContentType!.ToString();
            await using var body = await answer.Content.ReadAsStreamAsync(context.RequestAborted);
            var buffer = new byte[4096];
            while (await body.ReadAsync(buffer, context.RequestAborted) is > 0 and var read)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested || Cancellation.IsCancellationRequested)
        {
            // The page was closed.
        }
    }

    [GeneratedRegex("<ul id=\"orders\">.*?</script>", RegexOptions.Singleline, 1000)]
    private static partial Regex Example();
}
