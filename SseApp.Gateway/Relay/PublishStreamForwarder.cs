using System.Buffers;
using System.Text;
using SseApp.Gateway.Limits;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Streams;

namespace SseApp.Gateway.Relay;

/// <summary>
/// Forwards a publish that streams over a connection of its own to the replica, which is upgraded to frames: HttpClient reads no answer over
/// HTTP/1.1 before it has sent the whole body. Until the replica has taken it nothing of the body is read; from then on no limit of time holds, and
/// whatever ends it, the client gets whole lines and a last one that says why.
/// </summary>
internal sealed partial class PublishStreamForwarder(StreamDrain drain, ILogger<PublishStreamForwarder> logger)
{
    // What a client is charged for it is not far from what it may have at once.
    private const int MaxPiece = 16 * 1024;
    private const int MinRetryMilliseconds = 500;
    private const int MaxRetryMilliseconds = 2_000;

    /// <param name="forward">What YARP asks for; its cancellation says that the replica counts as lost.</param>
    public async ValueTask<ForwarderError> SendAsync(Forward forward)
    {
        var (context, transformer) = (forward.Context, forward.Transformer);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, forward.Cancellation);
        using var message = new HttpRequestMessage(HttpMethod.Post, (Uri?)null) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent([]) };
        await transformer.TransformRequestAsync(context, message, forward.DestinationPrefix, over.Token);
        if (context.Response.HasStarted || context.Response.StatusCode != StatusCodes.Status200OK)
        {
            // A transform has answered.
            return ForwarderError.None;
        }

        message.RequestUri = RelayMessages.Address(message, forward);
        Ask(message);
        HttpResponseMessage answer;
        try
        {
            using var head = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
            head.CancelAfter(forward.Timeout);
            answer = await forward.HttpClient.SendAsync(message, head.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            return RelayMessages.Fail(context, exception is OperationCanceledException { InnerException: null } && !over.IsCancellationRequested ? new TimeoutException("The replica did not answer in time.", exception) : exception);
        }

        using (answer)
        {
            if (answer.StatusCode != HttpStatusCode.SwitchingProtocols)
            {
                await PassAsync(context, answer, transformer, over.Token);
                return ForwarderError.None;
            }

            await using var connection = await answer.Content.ReadAsStreamAsync(over.Token);
            return await new Exchange(context, connection, over, logger, drain.NextEnd()).RunAsync();
        }
    }

    private static void Ask(HttpRequestMessage message)
    {
        // What the client said of its body is not about this request, which has none.
        message.Content!.Headers.Remove("Content-Length");
        message.Headers.TransferEncodingChunked = null;
        message.Headers.ExpectContinue = null;
        message.Headers.Connection.Clear();
        message.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        message.Headers.TryAddWithoutValidation("Upgrade", PublishStreams.Upgrade);
    }

    // A refusal, before anything of the body was read.
    private static async Task PassAsync(HttpContext context, HttpResponseMessage answer, HttpTransformer transformer, CancellationToken cancellation)
    {
        context.Response.StatusCode = (int)answer.StatusCode;
        if (await transformer.TransformResponseAsync(context, answer, cancellation))
        {
            await answer.Content.CopyToAsync(context.Response.Body, cancellation);
        }
    }

    [LoggerMessage(LogLevel.Debug, "A publish that streams lost its replica: {Reason}")]
    private static partial void LogBroken(ILogger logger, string reason);

    /// <summary>Both ways at once.</summary>
    private sealed class Exchange(HttpContext context, Stream connection, CancellationTokenSource over, ILogger logger, CancellationToken stopping)
    {
        private readonly PublishMeter? _meter = context.Features.Get<PublishMeter>();
        private readonly PublishWindow _window = new();

        public async Task<ForwarderError> RunAsync()
        {
            LongResponse.BeginExchange(context);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
            // It asks the client for its body before the head of the answer is sent.
            var sending = SendAsync(ended.Token);
            var (error, isKnown) = (ForwarderError.None, false);
            try
            {
                await BeginAsync();
                isKnown = await ReceiveAsync();
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
            {
                LogBroken(logger, exception.Message);
            }

            if (!isKnown && !context.RequestAborted.IsCancellationRequested)
            {
                error = ForwarderError.ResponseBodyDestination;
                await EndAsync();
            }

            // The client's rest is nobody's any more.
            await ended.CancelAsync();
            await connection.DisposeAsync();
            await sending;
            _meter?.End(isKnown);
            return context.RequestAborted.IsCancellationRequested ? ForwarderError.ResponseBodyCanceled : error;
        }

        private async Task BeginAsync()
        {
            context.Response.StatusCode = StatusCodes.Status200OK;
            context.Response.ContentType = PublishStreams.ContentType;
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Headers["X-Accel-Buffering"] = "no";
            context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            await context.Response.StartAsync(over.Token);
            await context.Response.Body.FlushAsync(over.Token);
        }

        // A whole line, behind whole lines: it can be told from what a replica says, which knows more.
        private async Task EndAsync()
        {
            var line = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"end":"{{PublishStreamEnd.Unreachable}}","detail":"The replica broke off. Lines without a result may or may not be stored; send them again with their idempotency keys, on another stream.","retryAfterMs":{{Random.Shared.Next(MinRetryMilliseconds, MaxRetryMilliseconds)}}}""");
            try
            {
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), context.RequestAborted);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                // The client has left.
            }
        }

        /// <returns>False when the replica broke off.</returns>
        private async Task<bool> ReceiveAsync()
        {
            var frames = new PublishFrameReader(connection);
            try
            {
                while (await frames.ReadAsync(over.Token) is { } frame)
                {
                    switch (frame.Kind)
                    {
                        case PublishFrameKind.Lines:
                            foreach (var part in frame.Payload)
                            {
                                await context.Response.Body.WriteAsync(part, over.Token);
                            }

                            break;
                        case PublishFrameKind.Settled:
                            var settled = PublishSettled.Read(frame.Payload);
                            _window.Settle(settled.Body);
                            _meter?.Settle(settled);
                            break;
                        case PublishFrameKind.End:
                            return true;
                        default:
                            throw new IOException($"A replica does not send frames of kind {(int)frame.Kind}.");
                    }

                    frames.Advance();
                }
            }
            finally
            {
                frames.Complete();
            }

            LogBroken(logger, "It ended the connection.");
            return false;
        }

        private async Task SendAsync(CancellationToken ended)
        {
            using var reading = CancellationTokenSource.CreateLinkedTokenSource(ended, stopping);
            var reason = PublishStreamEnd.Broken;
            try
            {
                reason = await SendBodyAsync(reading.Token, ended);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested && !ended.IsCancellationRequested)
            {
                reason = PublishStreamEnd.GatewayStopping;
            }
            catch (Exception exception) when (exception is BadHttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The client broke off, or the replica did: who receives notices.
            }

            try
            {
                await WriteAsync(PublishFrameKind.BodyEnd, Encoding.ASCII.GetBytes(reason), ended);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // So the replica knows.
            }
        }

        /// <returns>Why it ends; empty when the client has sent all.</returns>
        private async Task<string> SendBodyAsync(CancellationToken reading, CancellationToken ended)
        {
            var body = context.Request.BodyReader;
            var buffer = new byte[PublishFrame.HeaderLength + MaxPiece];
            while (true)
            {
                var read = await body.ReadAsync(reading);
                var rest = read.Buffer;
                while (!rest.IsEmpty)
                {
                    var piece = rest.Slice(0, Math.Min(rest.Length, MaxPiece));
                    var length = (int)piece.Length;
                    PublishFrame.WriteHeader(buffer, PublishFrameKind.Body, length);
                    piece.CopyTo(buffer.AsSpan(PublishFrame.HeaderLength));
                    await PassAsync(_window.LinesIn(buffer.AsSpan(PublishFrame.HeaderLength, length)), reading);
                    await connection.WriteAsync(buffer.AsMemory(0, PublishFrame.HeaderLength + length), ended);
                    await connection.FlushAsync(ended);
                    rest = rest.Slice(length);
                }

                body.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    await PassAsync(_window.LastLine(), reading);
                    return "";
                }
            }
        }

        // Lines do something when their ends come; before that they cost nothing.
        private async ValueTask PassAsync(long lines, CancellationToken reading)
        {
            if (lines > 0)
            {
                await (_meter?.TakeAsync(lines, reading) ?? default);
                await _window.SendAsync(lines, reading);
            }
        }

        private async Task WriteAsync(PublishFrameKind kind, byte[] payload, CancellationToken cancellation)
        {
            var frame = new byte[PublishFrame.HeaderLength + payload.Length];
            PublishFrame.WriteHeader(frame, kind, payload.Length);
            payload.CopyTo(frame.AsSpan(PublishFrame.HeaderLength));
            await connection.WriteAsync(frame, cancellation);
            await connection.FlushAsync(cancellation);
        }
    }
}
