using System.Net.WebSockets;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// A page of a Chromium that a test looks at and uses from outside, by the protocol of its developer tools: nothing of the
/// test is in the page, whose Content-Security-Policy counts.
/// </summary>
internal sealed class BrowserPage : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly Chromium _browser;
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _pending = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly CancellationTokenSource _closed = new();
    private Task _reading = Task.CompletedTask;
    private int _commands;

    private BrowserPage(Chromium browser) => _browser = browser;

    /// <summary>What the console of the page says went wrong: exceptions, and what the policy kept from being loaded. Not that a server could not be reached.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>A blank page; skips the test where no Chromium is installed.</summary>
    public static async Task<BrowserPage> OpenAsync()
    {
        var page = new BrowserPage(Chromium.Open(new Uri("about:blank"), "--remote-debugging-port=0"));
        try
        {
            await page.ConnectAsync();
            return page;
        }
        catch
        {
            await page.DisposeAsync();
            throw;
        }
    }

    /// <summary>Loads another document.</summary>
    public async Task GoToAsync(Uri address)
    {
        // To the same document with another fragment a browser only scrolls.
        await CommandAsync("Page.navigate", new { url = "about:blank" });
        await CommandAsync("Page.navigate", new { url = address.AbsoluteUri });
        await UntilAsync("document.readyState === 'complete' && location.href !== 'about:blank'", "the page to be loaded");
    }

    public Task ResizeAsync(int width, int height = 900) =>
        CommandAsync("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = false });

    public Task PreferAsync(string scheme) =>
        CommandAsync("Emulation.setEmulatedMedia", new { features = new[] { new { name = "prefers-color-scheme", value = scheme } } });

    /// <summary>The value of an expression, which may be a promise.</summary>
    public async Task<JsonElement> EvaluateAsync(string expression)
    {
        var answer = await CommandAsync("Runtime.evaluate", new { expression, awaitPromise = true, returnByValue = true });
        return answer.TryGetProperty("exceptionDetails", out var thrown)
            ? throw new InvalidOperationException($"{expression}: {thrown}")
            : answer.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    public async Task<string> TextAsync(string id) => (await EvaluateAsync($"document.getElementById('{id}').textContent")).GetString()!;

    public Task ClickAsync(string selector) => EvaluateAsync($"document.querySelector({JsonSerializer.Serialize(selector)}).click()");

    /// <summary>Waits until the expression is true.</summary>
    public async Task UntilAsync(string expression, string what)
    {
        try
        {
            await Eventually.Async(async () => (await EvaluateAsync($"Boolean({expression})")).GetBoolean(), s_limit, what);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} The page shows: {(await EvaluateAsync("document.body.innerText")).GetString()}; errors: {string.Join(" | ", Errors)}", exception);
        }
    }

    public async Task<byte[]> PictureAsync() => (await CommandAsync("Page.captureScreenshot", new { format = "png" })).GetProperty("data").GetBytesFromBase64();

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
        _closed.Dispose();
        _sending.Dispose();
        await _browser.DisposeAsync();
    }

    private async Task ConnectAsync()
    {
        var file = Path.Combine(_browser.Profile, "DevToolsActivePort");
        await Eventually.Async(() => File.Exists(file) && File.ReadAllLines(file).Length > 1, s_limit, "the browser to start");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{(await File.ReadAllLinesAsync(file))[0]}") };
        JsonElement page = default;
        await Eventually.Async(
            async () => (page = (await http.GetFromJsonAsync<JsonElement>("/json")).EnumerateArray().FirstOrDefault(target => target.GetProperty("type").GetString() == "page")).ValueKind != JsonValueKind.Undefined,
            s_limit,
            "the browser to have a page");
        await _socket.ConnectAsync(new Uri(page.GetProperty("webSocketDebuggerUrl").GetString()!), TestContext.Current.CancellationToken);
        _reading = ReadAsync();
        foreach (var domain in new[] { "Page", "Runtime", "Log" })
        {
            await CommandAsync($"{domain}.enable", new { });
        }
    }

    private async Task<JsonElement> CommandAsync(string method, object parameters)
    {
        var id = Interlocked.Increment(ref _commands);
        var answer = _pending[id] = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { id, method, @params = parameters }), WebSocketMessageType.Text, endOfMessage: true, _closed.Token);
        }
        finally
        {
            _sending.Release();
        }

        var message = await answer.Task.WaitAsync(s_limit, TimeProvider.System);
        return message.TryGetProperty("error", out var error) ? throw new InvalidOperationException($"{method}: {error}") : message.GetProperty("result");
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            using var whole = new MemoryStream();
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(buffer.AsMemory(), _closed.Token);
                whole.Write(buffer, 0, part.Count);
            }
            while (!part.EndOfMessage);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return;
            }

            var message = JsonElement.Parse(whole.ToArray());
            if (message.TryGetProperty("id", out var id))
            {
                _pending.TryRemove(id.GetInt32(), out var waiting);
                waiting?.SetResult(message);
            }
            else
            {
                Note(message.GetProperty("method").GetString()!, message.GetProperty("params"));
            }
        }
    }

    private void Note(string method, JsonElement message)
    {
        if (method == "Runtime.exceptionThrown"
            || (method == "Runtime.consoleAPICalled" && message.GetProperty("type").GetString() == "error")
            || (method == "Log.entryAdded" && message.GetProperty("entry") is var entry && entry.GetProperty("level").GetString() == "error" && entry.GetProperty("source").GetString() != "network"))
        {
            _errors.Enqueue(message.GetRawText());
        }
    }
}
