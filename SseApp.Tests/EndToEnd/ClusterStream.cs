using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using SseParser = System.Net.ServerSentEvents.SseParser;

namespace SseApp.Tests.EndToEnd;

/// <summary>One subscriber as a user has it: an HTTP connection of its own, read with the platform's SSE parser.</summary>
internal sealed class ClusterStream : IAsyncDisposable
{
    private readonly HttpClient _client;
    private readonly IAsyncEnumerator<SseItem<string>> _events;

    private ClusterStream(HttpClient client, IAsyncEnumerator<SseItem<string>> events, string replica)
    {
        _client = client;
        _events = events;
        Replica = replica;
    }

    /// <summary>The replica that serves the stream, as <c>stream.open</c> says.</summary>
    public string Replica { get; }

    /// <exception cref="InvalidOperationException">The stream was refused; the message holds the event.</exception>
    public static async Task<ClusterStream> OpenAsync(Uri gateway, string topic, CancellationToken cancellationToken)
    {
        var client = new HttpClient { BaseAddress = gateway, Timeout = Timeout.InfiniteTimeSpan };
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/events?topic={Uri.EscapeDataString(topic)}");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var events = SseParser.Create(body).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        if (!await events.MoveNextAsync() || events.Current.EventType != "stream.open")
        {
            throw new InvalidOperationException($"Expected stream.open, got {events.Current.EventType}: {events.Current.Data}");
        }

        using var open = JsonDocument.Parse(events.Current.Data);
        return new ClusterStream(client, events, open.RootElement.GetProperty("replica").GetString()!);
    }

    /// <summary>The data of the next <paramref name="count"/> events; fewer when the stream ends before.</summary>
    public async Task<IReadOnlyList<string>> ReadAsync(int count)
    {
        var data = new List<string>(count);
        while (data.Count < count && await _events.MoveNextAsync())
        {
            if (!_events.Current.EventType.StartsWith("stream.", StringComparison.Ordinal))
            {
                data.Add(_events.Current.Data);
            }
        }

        return data;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        try
        {
            await _events.DisposeAsync();
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or OperationCanceledException)
        {
            // Leaving in the middle of a stream breaks the read that is under way; that is how subscribers leave.
        }
    }
}
