namespace SseApp.Tests.Matrix;

/// <summary>One client that nobody here wrote, on one stream, and what it has let its user see.</summary>
internal sealed class MatrixClient : IAsyncDisposable
{
    /// <summary>What the loop around a client that only reads adds when it gets a status other than 200.</summary>
    public const string Refused = "refused";

    /// <summary>Those that npm has.</summary>
    private static readonly Dictionary<string, string> s_packages = new(StringComparer.Ordinal)
    {
        ["event-source-polyfill"] = "1.0.31",
        ["reconnecting-eventsource"] = "1.6.5",
        ["sse.js"] = "2.8.0",
        ["extended-eventsource"] = "2.1.0",
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
    private MatrixBrowser? _browser;

    private MatrixClient(string name) => Name = name;

    public string Name { get; }

    /// <summary>Everything that its user got, in that order; an event without data, too.</summary>
    public IReadOnlyList<SseEvent> Seen => _browser?.Seen(Name) ?? [.. _seen];

    /// <summary>Where the packages of npm are, fetched once; skips where they cannot be had.</summary>
    public static Task<string> RequirePackagesAsync() => NodePackage.RequireAllAsync("matrix", s_packages);

    /// <summary>Skips where the client cannot be had.</summary>
    /// <param name="name">The client.</param>
    /// <param name="stream">The address of its stream.</param>
    /// <param name="packages">Where the packages of npm are; asked for by those that need one.</param>
    /// <param name="browser">The page on which it is open already; asked for by those that live in one.</param>
    public static async Task<MatrixClient> OpenAsync(string name, Uri stream, Func<Task<string>> packages, Func<Task<MatrixBrowser>> browser)
    {
        var client = new MatrixClient(name);
        switch (name)
        {
            case MatrixBrowser.Native:
                client._browser = await browser();
                break;
            case var _ when MatrixBrowser.Has(name):
                await packages();
                client._browser = await browser();
                break;
            case ".NET SseParser":
                client._running = client.ReadInDotNetAsync(stream);
                break;
            case "curl":
                client._running = client.ReadWithProgramAsync(Require("curl", "curl"), ["-s", "-N", "-f", stream.AbsoluteUri], "-H", status: 22);
                break;
            case "wget":
                // Left to itself it would ask for the rest of a stream that broke by a byte range.
                client._running = client.ReadWithProgramAsync(Require("wget", "wget"), ["-q", "-O", "-", "--tries=1", stream.AbsoluteUri], "--header", status: 8);
                break;
            case "Python":
                client.Start(Require("python3", "python3"), Script("client.py"), stream.AbsoluteUri);
                break;
            case "Perl HTTP::Tiny" or "Perl IO::Socket":
                client.Start(await RequirePerlAsync(), Script("client.pl"), name["Perl ".Length..], stream.AbsoluteUri);
                break;
            default:
                client.Start("node", Script("client.mjs"), name, Path.Combine(await packages(), name), stream.AbsoluteUri);
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

    /// <summary>Debian's smallest Perl is without the modules that come with Perl.</summary>
    private static async Task<string> RequirePerlAsync()
    {
        var perl = Require("perl", "perl");
        await using var modules = ChildProcess.Start(new ProcessStartInfo(perl, ["-MHTTP::Tiny", "-MJSON::PP", "-MIO::Socket::INET", "-e", "1"]));
        await modules.WaitForExitAsync();
        if (modules.ExitCode != 0)
        {
            Assert.Skip("Perl's core modules are not installed (apt-get install perl).");
        }

        return perl;
    }

    private void Start(string program, params string[] arguments) => _owned.Add(ChildProcess.Start(
        new ProcessStartInfo(program, arguments), line => _seen.Enqueue(JsonSerializer.Deserialize<SseEvent>(line, JsonSerializerOptions.Web)!)));

    /// <summary>
    /// A program that prints the stream, as in the README. Those name no type that they accept, so their user gets the status
    /// of a refusal.
    /// </summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">How it is called.</param>
    /// <param name="header">Its option that adds a header.</param>
    /// <param name="status">Its exit code after a status of 400 or more.</param>
    private async Task ReadWithProgramAsync(string program, string[] arguments, string header, int status)
    {
        var last = "";
        var retry = TimeSpan.FromSeconds(1);
        while (!_closing.IsCancellationRequested)
        {
            var parser = new SseParser();
            string[] resume = last.Length > 0 ? [header, $"Last-Event-ID: {last}"] : [];
            await using var process = ChildProcess.Start(new ProcessStartInfo(program, [.. resume, .. arguments]), line => Read(parser, line));
            await process.WaitForExitAsync().WaitAsync(_closing.Token);
            last = parser.Blocks > 0 ? parser.LastEventId : last;
            retry = parser.Retry is { } told ? TimeSpan.FromMilliseconds(told) : retry;
            if (process.ExitCode == status)
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
