namespace SseApp.Tests.Infrastructure;

/// <summary>A client of one stream, on the raw response body.</summary>
public sealed class SseReader : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly HttpResponseMessage _response;
    private readonly Stream _body;
    private readonly SseParser _parser = new();
    private readonly Queue<SseEvent> _pending = new();
    private readonly byte[] _buffer = new byte[16 * 1024];

    private SseReader(HttpResponseMessage response, Stream body)
    {
        _response = response;
        _body = body;
    }

    public HttpResponseMessage Response => _response;

    public int? Retry => _parser.Retry;

    public string LastEventId => _parser.LastEventId;

    public static async Task<SseReader> OpenAsync(HttpClient client, string uri, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken)
            .WaitAsync(s_limit);
        return new SseReader(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The next event or comment; null when the server ended the stream cleanly.</summary>
    /// <exception cref="TimeoutException">Nothing came for 10 s.</exception>
    /// <exception cref="IOException">The connection was cut.</exception>
    public async Task<SseEvent?> NextRawAsync(TimeSpan? limit = null)
    {
        while (_pending.Count == 0)
        {
            var read = await _body.ReadAsync(_buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(limit ?? s_limit);
            if (read == 0)
            {
                return null;
            }

            foreach (var next in _parser.Feed(_buffer.AsSpan(0, read)))
            {
                _pending.Enqueue(next);
            }
        }

        return _pending.Dequeue();
    }

    /// <summary>The next event, comments left out.</summary>
    public async Task<SseEvent?> NextAsync(TimeSpan? limit = null)
    {
        SseEvent? next;
        do
        {
            next = await NextRawAsync(limit);
        }
        while (next is { Type: ":" });
        return next;
    }

    /// <summary>Reads the <c>stream.open</c> that every stream begins with.</summary>
    public async Task<JsonElement> OpenedAsync()
    {
        var opened = await NextAsync();
        Assert.Equal("stream.open", opened?.Type);
        return JsonSerializer.Deserialize<JsonElement>(opened!.Data);
    }

    /// <summary>The data of the next <paramref name="count"/> events.</summary>
    public async Task<IReadOnlyList<string>> DataAsync(int count)
    {
        var data = new List<string>();
        while (data.Count < count)
        {
            data.Add((await NextAsync() ?? throw new InvalidOperationException($"The stream ended after {data.Count} of {count} events.")).Data);
        }

        return data;
    }

    public async ValueTask DisposeAsync()
    {
        await _body.DisposeAsync();
        _response.Dispose();
    }
}
