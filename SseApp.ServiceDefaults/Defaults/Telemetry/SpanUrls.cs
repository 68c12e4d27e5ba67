using System.Diagnostics;
using OpenTelemetry;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>Applies <see cref="LoggedUrl"/> to the spans of every instrumentation, whatever its own settings are.</summary>
internal sealed class SpanUrls : BaseProcessor<Activity>
{
    // Of the present and the former semantic conventions of OpenTelemetry.
    private static readonly string[] s_urls = ["url.full", "url.path", "http.url", "http.target"];

    public override void OnEnd(Activity data)
    {
        foreach (var name in s_urls)
        {
            if (data.GetTagItem(name) is string url)
            {
                data.SetTag(name, LoggedUrl.Url(url));
            }
        }

        if (data.GetTagItem("url.query") is string { Length: > 0 } query)
        {
            // With or without its question mark, as it was.
            data.SetTag("url.query", query[0] == '?' ? LoggedUrl.Query(query) : LoggedUrl.Query($"?{query}")[1..]);
        }
    }
}
