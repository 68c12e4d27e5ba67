using SseApp.Tests.Browser;

namespace SseApp.Tests.Matrix;

/// <summary>One client that nobody here wrote, on one stream, and what it has let its user see.</summary>
internal sealed class MatrixClient : IAsyncDisposable
{
    /// <summary>What the loop around a client that only reads adds when it gets a status other than 200.</summary>
    public const string Refused = "refused";

    private static readonly Dictionary<string, string> s_packages = new(StringComparer.Ordinal)
    {
        ["eventsource"] = "4.1.1",
        ["undici"] = "7.30.2",
        ["@microsoft/fetch-event-source"] = "2.0.1",
        ["eventsource-parser"] = "3.1.1",
        ["eventsource-client"] = "1.2.0",
        ["launchdarkly-eventsource"] = "2.2.0",
        ["event-source-plus"] = "0.1.15",
    };

    private readonly ConcurrentQueue<SseEvent> _seen = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly List<IAsyncDisposable> _owned = [];
    private Task _running = Task.CompletedTask;
    private EventSourcePage? _page;

    private MatrixClient()
    {
    }

    /// <summary>Everything that its user got, in that order; an event without data, too.</summary>
    public IReadOnlyList<SseEvent> Seen => _page is null
        ? [.. _seen]
        : [.. _page.Reports.Where(report => report.Kind != "error").Select(report => new SseEvent(report.Kind, report.Data ?? "", report.Id ?? ""))];

    /// <summary>Skips the test where the client cannot be had.</summary>
    public static async Task<MatrixClient> OpenAsync(string name, Uri stream)
    {
        var client = new MatrixClient();
        switch (name)
        {
            case "Chromium":
                client._page = new EventSourcePage { Source = stream.AbsoluteUri };
                var pages = await PageServer.StartAsync(client._page.Map);
                client._owned.Add(pages);
                client._owned.Insert(0, Chromium.Open(new Uri(pages.Address, EventSourcePage.Path)));
                break;
            case ".NET SseParser":
                client._running = client.ReadInDotNetAsync(stream);
                break;
            case "curl":
                client._running = client.ReadWithCurlAsync(Require("curl", "curl"), stream);
                break;
            case "Python":
                client.Start(Require("python3", "python3"), Script("client.py"), stream.AbsoluteUri);
                break;
            default:
                client.Start("node", Script("client.mjs"), name, await NodePackage.RequireAsync(name, s_packages[name]), stream.AbsoluteUri);
                break;
        }

        return client;
    }

    /// <summary>What its program printed last, for messages.</summary>
    public string Tail() => _owned.OfType<ChildProcess>().FirstOrDefault()?.Tail() ?? "";

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var owned in _owned)
        {
            await owned.DisposeAsync();
        }

        _closing.Dispose();
    }

    private static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Matrix", name);

    private static string Require(string program, string package)
    {
        if (BackplaneServer.FindOnPath(program) is { } path)
        {
            return path;
        }

        Assert.Skip($"{program} is not installed (apt-get install {package}).");
        return "";
    }

    private void Start(string program, params string[] arguments) => _owned.Add(ChildProcess.Start(
        new ProcessStartInfo(program, arguments), line => _seen.Enqueue(JsonSerializer.Deserialize<SseEvent>(line, JsonSerializerOptions.Web)!)));

    /// <summary>As in the README: curl names no type that it accepts, so its user gets the status of a refusal.</summary>
    private async Task ReadWithCurlAsync(string curl, Uri stream)
    {
        var last = "";
        var retry = TimeSpan.FromSeconds(1);
        while (!_closing.IsCancellationRequested)
        {
            var parser = new SseParser();
            string[] resume = last.Length > 0 ? ["-H", $"Last-Event-ID: {last}"] : [];
            await using var process = ChildProcess.Start(
                new ProcessStartInfo(curl, ["-s", "-N", "-f", .. resume, stream.AbsoluteUri]), line => Read(parser, line));
            await process.WaitForExitAsync().WaitAsync(_closing.Token);
            last = parser.Blocks > 0 ? parser.LastEventId : last;
            retry = parser.Retry is { } told ? TimeSpan.FromMilliseconds(told) : retry;
            // A status of 400 or more.
            if (process.ExitCode == 22)
            {
                _seen.Enqueue(new SseEvent(Refused, "by its status", ""));
            }

            await Task.Delay(retry, TimeProvider.System, _closing.Token);
        }
    }

    /// <summary>Whatever a blank line ends is an event to whoever reads the output by hand.</summary>
    private void Read(SseParser parser, string line)
    {
        var events = parser.Feed(Encoding.UTF8.GetBytes(line + "\n"));
        foreach (var next in events.Where(next => next.Type != ":"))
        {
            _seen.Enqueue(next);
        }

        if (line.Length == 0 && events.Count == 0)
        {
            _seen.Enqueue(new SseEvent("message", "", parser.LastEventId));
        }
    }

    private async Task ReadInDotNetAsync(Uri stream)
    {
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var last = "";
        var retry = TimeSpan.FromSeconds(1);
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, stream);
                request.Headers.Accept.ParseAdd("text/event-stream");
                if (last.Length > 0)
                {
                    request.Headers.Add("Last-Event-ID", last);
                }

                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _closing.Token);
                response.EnsureSuccessStatusCode();
                var parser = System.Net.ServerSentEvents.SseParser.Create(await response.Content.ReadAsStreamAsync(_closing.Token));
                await foreach (var next in parser.EnumerateAsync(_closing.Token))
                {
                    last = parser.LastEventId;
                    retry = parser.ReconnectionInterval;
                    _seen.Enqueue(new SseEvent(next.EventType, next.Data, last));
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException)
            {
                // The connection broke: come back.
            }

            await Task.Delay(retry, TimeProvider.System, _closing.Token);
        }
    }
}
