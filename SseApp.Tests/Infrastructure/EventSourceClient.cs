namespace SseApp.Tests.Infrastructure;

/// <summary>
/// A client that reconnects as an EventSource does: after the time in <c>retry</c>, with the last id, and never again
/// after a status other than 200 or another content type. It keeps to the standard where browsers are kinder: a stream
/// that ends a block without an id of its own takes the last id away.
/// </summary>
internal sealed class EventSourceClient : IAsyncDisposable
{
    private readonly HttpClient _client;
    private readonly string _uri;
    private readonly Action<SseEvent> _onEvent;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _running;
    private int _opened;
    private int _refused;
    private TimeSpan _retry = TimeSpan.FromSeconds(1);

    private EventSourceClient(HttpClient client, string uri, Action<SseEvent> onEvent)
    {
        _client = client;
        _uri = uri;
        _onEvent = onEvent;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Streams opened so far, the first included.</summary>
    public int Opened => Volatile.Read(ref _opened);

    /// <summary>Refusals met so far.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>The replica that serves it, or was the last to do so.</summary>
    public string Replica { get; private set; } = "";

    public string LastEventId { get; private set; } = "";

    /// <summary>Why it gave up for ever; null while it has not.</summary>
    public string? Closed { get; private set; }

    /// <param name="client">Without a time limit of its own.</param>
    /// <param name="uri">The stream.</param>
    /// <param name="onEvent">Called with each event, one after another; not with the server's <c>stream.open</c>.</param>
    public static EventSourceClient Open(HttpClient client, string uri, Action<SseEvent> onEvent) => new(client, uri, onEvent);

    /// <exception cref="Exception">What the handler of events threw.</exception>
    public async ValueTask DisposeAsync()
    {
        if (!_running.IsCompleted)
        {
            await _closing.CancelAsync();
        }

        await _running;
        _closing.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_closing.IsCancellationRequested && Closed is null)
        {
            try
            {
                await ReadAsync(_closing.Token);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException)
            {
                // A network error: reconnect. A connection that is cut in the moment in which it is made has the last of these.
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(_retry, TimeProvider.System, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _uri);
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (LastEventId.Length > 0)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", LastEventId);
        }

        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK || response.Content.Headers.ContentType?.MediaType != "text/event-stream")
        {
            Closed = $"{(int)response.StatusCode} {response.Content.Headers.ContentType}: {await response.Content.ReadAsStringAsync(cancellationToken)}";
            return;
        }

        var parser = new SseParser();
        var buffer = new byte[16 * 1024];
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            var events = parser.Feed(buffer.AsSpan(0, count));
            if (parser.Blocks > 0)
            {
                LastEventId = parser.LastEventId;
            }

            _retry = parser.Retry is { } retry ? TimeSpan.FromMilliseconds(retry) : _retry;
            foreach (var next in events)
            {
                Dispatch(next);
            }
        }
    }

    private void Dispatch(SseEvent next)
    {
        switch (next.Type)
        {
            case "stream.open":
                Replica = JsonSerializer.Deserialize<JsonElement>(next.Data).GetProperty("replica").GetString()!;
                Interlocked.Increment(ref _opened);
                break;
            case "stream.unavailable":
                Interlocked.Increment(ref _refused);
                break;
            case ":":
                break;
            default:
                _onEvent(next);
                break;
        }
    }
}
