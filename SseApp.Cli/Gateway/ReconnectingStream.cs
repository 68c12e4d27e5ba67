using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace SseApp.Cli.Gateway;

/// <summary>
/// A stream that comes back after every cut, as docs/protocol.md says clients do: with the id of the last event that was taken, after the
/// <c>retry</c> that the server gave.
/// </summary>
/// <param name="client">Asks for it.</param>
/// <param name="path">Path and query.</param>
/// <param name="time">Its waits.</param>
/// <param name="note">Says what happens to the connection.</param>
internal sealed class ReconnectingStream(GatewayClient client, string path, TimeProvider time, Action<string> note)
{
    // Twice as long as servers are silent, and some more.
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(40);

    private TimeSpan? _retry;
    private bool _wasOpen;

    /// <summary>Of the last event that was taken; of the first connection, where it goes on.</summary>
    public string? LastEventId { get; set; }

    /// <summary>Ends when the server asks for that, or with what coming back cannot mend.</summary>
    /// <exception cref="ToolException">It was never opened, or never will be again.</exception>
    public async IAsyncEnumerable<SseItem<string>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var (response, wait) = await ConnectAsync(cancellationToken);
            if (response is null)
            {
                if (wait is null)
                {
                    yield break;
                }

                await Task.Delay(wait.Value, time, cancellationToken);
                continue;
            }

            using (response)
            {
                await using var body = new SilenceLimit(await response.Content.ReadAsStreamAsync(cancellationToken), s_silence, time);
                var parser = SseParser.Create(body);
                await using var items = parser.EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
                var why = "it has ended";
                while (true)
                {
                    SseItem<string> item;
                    try
                    {
                        if (!await items.MoveNextAsync())
                        {
                            break;
                        }

                        item = items.Current;
                    }
                    catch (Exception exception) when (exception is IOException or HttpRequestException or TimeoutException)
                    {
                        why = exception is TimeoutException ? $"nothing has come for {s_silence.TotalSeconds:0} s" : "the connection broke";
                        break;
                    }

                    Remember(parser.ReconnectionInterval);
                    if (item.EventType == "stream.unauthorized")
                    {
                        Refuse(item);
                    }

                    yield return item;
                    if (!string.IsNullOrEmpty(parser.LastEventId))
                    {
                        LastEventId = parser.LastEventId;
                    }

                    _wasOpen |= item.EventType != "stream.unavailable";
                    if (item.EventType == "stream.closed")
                    {
                        note("An operator has ended the stream and asks not to come back.");
                        yield break;
                    }
                }

                // The last line of a stream is a retry.
                Remember(parser.ReconnectionInterval);
                var delay = Delay();
                note(string.Create(CultureInfo.InvariantCulture, $"The stream is cut ({why}); reconnecting in {delay.TotalSeconds:0.0} s."));
                await Task.Delay(delay, time, cancellationToken);
            }
        }
    }

    // Null and no wait: it is over.
    private async Task<(HttpResponseMessage? Response, TimeSpan? Wait)> ConnectAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (LastEventId is { } id)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", id);
        }

        HttpResponseMessage response;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_silence);
        try
        {
            response = await client.OpenAsync(request, limit.Token);
        }
        catch (Exception exception) when (_wasOpen && (exception is ToolException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)))
        {
            var delay = Delay();
            note(string.Create(CultureInfo.InvariantCulture, $"{(exception is ToolException ? exception.Message : "No answer.")} Reconnecting in {delay.TotalSeconds:0.0} s."));
            return (null, delay);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ToolException(ExitCode.Unreachable, "timeout", $"The gateway has not answered within {s_silence.TotalSeconds:0} s.");
        }

        switch ((int)response.StatusCode)
        {
            case 200 when response.Content.Headers.ContentType?.MediaType == "text/event-stream":
                return (response, null);
            case 204:
                response.Dispose();
                note("The stream was ended by an operator, who asked not to come back.");
                return (null, null);
            case 429 or 500 or 502 or 503 or 504:
                var delay = response.Headers.RetryAfter?.Delta ?? Delay();
                note(string.Create(CultureInfo.InvariantCulture, $"The gateway answers {(int)response.StatusCode}; reconnecting in {delay.TotalSeconds:0.0} s."));
                response.Dispose();
                return (null, delay);
            default:
                using (response)
                {
                    throw response.IsSuccessStatusCode ? client.NoGateway("its answer is no stream") : await client.ProblemAsync(response, cancellationToken);
                }
        }
    }

    private void Remember(TimeSpan interval)
    {
        // Infinite: the server has said none.
        if (interval >= TimeSpan.Zero)
        {
            _retry = interval;
        }
    }

    private TimeSpan Delay() => _retry ?? TimeSpan.FromMilliseconds(Random.Shared.Next(1000, 5000));

    /// <summary>A browser comes back with the same credential for as long as its page is open; here somebody can be told.</summary>
    private void Refuse(SseItem<string> item)
    {
        JsonElement data;
        try
        {
            using var json = JsonDocument.Parse(item.Data);
            data = json.RootElement.Clone();
        }
        catch (JsonException)
        {
            data = default;
        }

        var reason = data.Text("reason") ?? "refused";
        // Redis is away, or the keys of an issuer are; or the file of the token has a new one.
        if (reason is not ("auth-unavailable" or "redis") && !client.HasNewCredential)
        {
            throw new ToolException(ExitCode.Refused, reason, $"The stream is refused ({reason}{(data.Text("topic") is { } topic ? $": {topic}" : "")}): {Advice(reason)}");
        }
    }

    private static string Advice(string reason) => reason switch
    {
        Credential.None => Credential.HowToName,
        "token-expired" or "token-revoked" => "get a new token.",
        "topic-denied" => "the token lets other topics in, not this one.",
        _ => "docs/security.md says what each reason means.",
    };

    /// <summary>A stream that is silent for too long is broken, although nothing says so.</summary>
    private sealed class SilenceLimit(Stream inner, TimeSpan limit, TimeProvider time) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            using var silence = new CancellationTokenSource(limit, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
            try
            {
                return await inner.ReadAsync(buffer, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException();
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
