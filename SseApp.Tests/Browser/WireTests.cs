using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>
/// Raw streams of another service through the gateway into a native EventSource: it sees what the standard says, which
/// is also what the parser that all other tests rely on sees.
/// </summary>
public sealed class WireTests : GatewayTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static readonly string[] s_streams =
    [
        "\uFEFFdata: after a byte order mark\n\n",
        "\uFEFF\uFEFFdata: only one mark is taken away\n\ndata: x\n\n",
        "data: a\rdata: b\r\rdata: c\r\n\r\ndata: d\n\n",
        "data: lines\r\ndata: of\rdata: all\ndata: kinds\r\n\r\n",
        "data\n\ndata:\n\ndata: \n\ndata:  two\n\n",
        "data:no space\n\ndata: one\n\ndata:\ttab\n\n",
        ": a comment\ndata: a\n:\n: another\ndata: b\n\n:" + new string('x', 2048) + "\n\ndata: c\n\n",
        "id: 1\ndata: a\n\ndata: keeps it\n\nid\ndata: takes it away\n\n",
        "id: 1\ndata: a\n\nid: 2\0\ndata: a NUL is no id\n\n",
        "id: 1\n\ndata: an id alone counts\n\n",
        "id: ä €\ndata: not ASCII\n\n",
        "event: foo\ndata: a\n\ndata: is a message again\n\nevent: foo\n\ndata: without data no event\n\n",
        "event:\ndata: an empty type\n\n",
        "retry: 1\nretry: 2x\nretry:\ndata: a\n\n",
        "unknown: x\nDATA: y\n data: z\ndata: a\n\n",
        "data: whole\n\nid: 7\ndata: cut off",
        "data: ends with its line\n",
        "\n\n\r\r\ndata: blank lines before\n\n",
        "data: 😀 \uFFFD \u0000 \u2028\u0085\n\n",
    ];

    [Fact]
    public async Task An_EventSource_sees_raw_streams_as_the_standard_says()
    {
        var origin = Own(await OriginHost.StartAsync("raw", async context =>
        {
            context.Response.ContentType = "text/event-stream";
            var index = int.Parse(context.Request.Path.Value!.Split('/')[^1], System.Globalization.CultureInfo.InvariantCulture);
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(s_streams[index]), context.RequestAborted);
        }));
        var seen = new ConcurrentDictionary<int, SseEvent[]>();
        var gateway = Own(await GatewayHost.StartAsync(
            Registry,
            new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
            {
                ["ReverseProxy:Routes:raw:ClusterId"] = "raw",
                ["ReverseProxy:Routes:raw:Match:Path"] = "/raw/{**rest}",
                ["ReverseProxy:Clusters:raw:Destinations:one:Address"] = origin.Address.AbsoluteUri,
            },
            app =>
            {
                app.MapGet("/test/page", () => Results.Content(s_page, "text/html; charset=utf-8")).Needs(NeedKind.Nothing);
                app.MapPost("/test/report/{index:int}", async (int index, HttpRequest request) =>
                    seen[index] = (await JsonSerializer.DeserializeAsync<SseEvent[]>(request.Body, JsonSerializerOptions.Web))!).Needs(NeedKind.Nothing);
            }));
        await using var browser = Chromium.Open(new Uri(gateway.Address, "/test/page"));

        await Eventually.Async(() => seen.Count == s_streams.Length, s_limit, $"the page to have read {s_streams.Length} streams");

        for (var i = 0; i < s_streams.Length; i++)
        {
            var expected = new SseParser().Feed(Encoding.UTF8.GetBytes(s_streams[i])).Where(parsed => parsed.Type != ":").ToArray();
            Assert.True(expected.SequenceEqual(seen[i]), $"Stream {i}, {JsonSerializer.Serialize(s_streams[i])}: Chromium saw {JsonSerializer.Serialize(seen[i])}, the parser {JsonSerializer.Serialize(expected)}.");
        }
    }

    private static readonly string s_page = $$"""
        <!doctype html><meta charset="utf-8"><title>Raw streams</title><script>
        const read = index => new Promise(done => {
          const source = new EventSource("/raw/" + index);
          const events = [];
          const take = event => events.push({ type: event.type, data: event.data, lastEventId: event.lastEventId });
          source.onmessage = take;
          source.addEventListener("foo", take);
          source.onerror = () => { source.close(); done(events); };
        });
        (async () => {
          for (let i = 0; i < {{s_streams.Length}}; i++) {
            await fetch("/test/report/" + i, { method: "POST", body: JSON.stringify(await read(i)) });
          }
        })();
        </script>
        """;
}
