using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using SseApp.Tests.Infrastructure;

namespace SseApp.Pictures;

/// <summary>A place that shows how many streams are open.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Promise">After this it shows that a replica was lost.</param>
/// <param name="ReadAsync">What it shows now; null while it shows nothing.</param>
internal sealed record View(string Name, TimeSpan Promise, Func<Task<double?>> ReadAsync)
{
    /// <summary>The console's own number, as it stands on the page.</summary>
    public static View OfConsole(BrowserPage page) => new(
        "console", TimeSpan.FromSeconds(2), () => NumberAsync(page, "document.getElementById('n-streams').textContent.replace(/\\D/g, '')"));

    /// <summary>
    /// The newest point of the chart on the dashboard's page. A service exports each second; the chart begins a second ago, and draws the largest
    /// value of each two seconds, so that what falls is seen up to three seconds after it arrived.
    /// </summary>
    public static View OfDashboard(BrowserPage page) => new(
        "dashboard", TimeSpan.FromSeconds(4), () => NumberAsync(page, "document.querySelector('.js-plotly-plot')?.data[0].y.filter(value => value !== null).at(-1) ?? ''"));

    /// <summary>The answer to an instant query.</summary>
    public static View OfPrometheus(HttpClient client, string query) => new("Prometheus", TimeSpan.FromSeconds(3), async () =>
    {
        var answer = await client.GetFromJsonAsync<JsonElement>($"api/v1/query?query={Uri.EscapeDataString(query)}");
        var result = answer.GetProperty("data").GetProperty("result");
        return result.GetArrayLength() > 0 ? double.Parse(result[0].GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture) : null;
    });

    private static async Task<double?> NumberAsync(BrowserPage page, string expression) =>
        double.TryParse((await page.EvaluateAsync($"String({expression})")).GetString(), CultureInfo.InvariantCulture, out var number) ? number : null;
}
