namespace SseApp.Tests.Events.Publishing;

/// <summary>A replica for all cases of a class; each has a topic of its own.</summary>
public sealed class PublishingReplica : IAsyncDisposable
{
    private readonly RedisServer _redis = new();
    private EventsHost? _host;

    public async Task<EventsHost> StartedAsync() => _host ??= await EventsHost.StartAsync(_redis);

    public async Task<HttpResponseMessage> PostAsync(string path, byte[] body, string? contentType, string? contentEncoding = null)
    {
        using var content = new ByteArrayContent(body);
        if (contentType is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        if (contentEncoding is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Encoding", contentEncoding);
        }

        return await (await StartedAsync()).Client.PostAsync(path, content, TestContext.Current.CancellationToken);
    }

    /// <summary>The data of every event that is stored.</summary>
    public async Task<IReadOnlyList<string>> StoredAsync(string topic)
    {
        var page = await (await StartedAsync()).Client.GetFromJsonAsync<JsonElement>($"/topics/{topic}/events?limit=1000", TestContext.Current.CancellationToken);
        return [.. page.GetProperty("events").EnumerateArray().Select(stored => stored.GetProperty("data").GetString()!)];
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        await _redis.DisposeAsync();
    }
}
