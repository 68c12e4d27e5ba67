namespace SseApp.Tests.Infrastructure;

/// <summary>One open stream whose bytes a test waits for.</summary>
internal sealed class StreamClient : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly Stream _body;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly MemoryStream _received = new();

    private StreamClient(HttpResponseMessage response, Stream body)
    {
        Response = response;
        _body = body;
    }

    public HttpResponseMessage Response { get; }

    public byte[] Bytes => _received.ToArray();

    public string Text => Encoding.UTF8.GetString(_received.ToArray());

    /// <summary>Opens a stream as a native EventSource does.</summary>
    public static async Task<StreamClient> OpenAsync(
        HttpClient client, string path = "/events?topic=a", string? accept = "text/event-stream", params (string Name, string Value)[] headers)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return new StreamClient(response, await response.Content.ReadAsStreamAsync(cancellationToken));
    }

    /// <summary>Reads until <paramref name="text"/> has come.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        while (!Text.Contains(text, StringComparison.Ordinal))
        {
            Assert.True(await ReadAsync($"\"{text}\"") > 0, $"The stream ended before \"{text}\" came; received: {Text}");
        }

        return Text;
    }

    /// <summary>Reads to the end and returns all that came.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        while (await ReadAsync("the end of the stream") > 0)
        {
        }

        return Bytes;
    }

    /// <summary>Reads until <paramref name="count"/> bytes have come.</summary>
    public async Task<byte[]> ReadBytesAsync(int count)
    {
        while (_received.Length < count)
        {
            Assert.True(await ReadAsync($"byte {count}") > 0, $"The stream ended after {_received.Length} of {count} bytes.");
        }

        return Bytes;
    }

    public void Dispose() => Response.Dispose();

    private async Task<int> ReadAsync(string awaited)
    {
        try
        {
            var count = await _body.ReadAsync(_buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(s_limit, TimeProvider.System);
            _received.Write(_buffer, 0, count);
            return count;
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"Waited {s_limit.TotalSeconds} s for {awaited}; received: {Text}", exception);
        }
    }
}
