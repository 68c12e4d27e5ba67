using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using SseApp.Tests.Infrastructure;

namespace SseApp.Pictures;

/// <summary>A place that shows how many streams are open, or were lost.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Promise">After this it shows that a replica was lost.</param>
/// <param name="ReadAsync">What it has shown since this was called last; null while it shows nothing.</param>
/// <param name="CountsLost">It shows the streams that were lost, not those that are open.</param>
internal sealed record View(string Name, TimeSpan Promise, Func<Task<IReadOnlyList<Shown>>> ReadAsync, bool CountsLost = false)
{
    private const string NewestPoint = "document.querySelector('.js-plotly-plot')?.data[0].y.filter(value => value !== null).at(-1) ?? ''";

    /// <summary>What it is to show.</summary>
    /// <param name="open">Streams that are open.</param>
    /// <param name="lost">Streams that were lost.</param>
    public double Expected(double open, double lost) => CountsLost ? lost : open;

    /// <summary>The console's own number, as it stands on the page.</summary>
    public static View OfConsole(BrowserPage page) => new(
        "console", TimeSpan.FromSeconds(2), () => ReadPageAsync(page, "document.getElementById('n-streams').textContent.replace(/\\D/g, '')"));

    /// <summary>
    /// The newest point of the chart on the dashboard's page. A service exports each second; the chart begins a second ago, and draws the largest
    /// value of each two seconds, so that what falls is seen up to three seconds after it arrived.
    /// </summary>
    public static View OfDashboard(BrowserPage page) => new("dashboard: streams", TimeSpan.FromSeconds(4), () => ReadPageAsync(page, NewestPoint));

    /// <summary>The same of a counter, since now: what rises is drawn as soon as it has arrived.</summary>
    public static async Task<View> OfDashboardsCounterAsync(BrowserPage page)
    {
        var before = Parse((await page.EvaluateAsync($"String({NewestPoint})")).GetString()) ?? 0;
        return new View("dashboard: lost", TimeSpan.FromSeconds(2), async () => [.. (await ReadPageAsync(page, NewestPoint)).Select(shown => shown with { Number = shown.Number - before })], CountsLost: true);
    }

    /// <summary>The answer to an instant query.</summary>
    public static View OfPrometheus(HttpClient client, string query) => new("Prometheus", TimeSpan.FromSeconds(3), async () =>
    {
        var answer = await client.GetFromJsonAsync<JsonElement>($"api/v1/query?query={Uri.EscapeDataString(query)}");
        var result = answer.GetProperty("data").GetProperty("result");
        double? number = result.GetArrayLength() > 0 ? double.Parse(result[0].GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture) : null;
        return [new Shown(TimeProvider.System.GetUtcNow(), number)];
    });

    // The page itself notes what it shows, twenty times a second: this process waits for the processor when thousands of its streams end.
    private static async Task<IReadOnlyList<Shown>> ReadPageAsync(BrowserPage page, string expression)
    {
        var noted = (await page.EvaluateAsync($$"""
            (() => {
              if (!window.noted) {
                window.noted = [];
                setInterval(() => window.noted.push([Date.now(), String({{expression}})]), 50);
              }
              return window.noted.splice(0);
            })()
            """)).EnumerateArray();
        return [.. noted.Select(static pair => new Shown(DateTimeOffset.FromUnixTimeMilliseconds(pair[0].GetInt64()), Parse(pair[1].GetString())))];
    }

    private static double? Parse(string? text) => double.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>What a view showed at a moment.</summary>
internal sealed record Shown(DateTimeOffset At, double? Number);
