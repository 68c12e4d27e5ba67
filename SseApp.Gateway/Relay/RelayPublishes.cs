using System.Buffers;
using SseApp.Gateway.Health;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Relay;

namespace SseApp.Gateway.Relay;

/// <summary>
/// Publishes that go to their replica as one frame of a relay connection, many of them in a write, and whose answers come back so. To
/// clients, limits, retries and health they are what a request of its own would be.
/// </summary>
internal static class RelayPublishes
{
    // The answer to a batch is longer than the batch, and has to be one frame as well.
    private const int MaxBatchBody = 4 * 1024;

    public static bool IsShort(HttpContext context) =>
        ClientRequest.Of(context) is { IsPublish: true, IsPublishStream: false, IsCanary: false }
        && context.Request.ContentLength is { } length
        && length <= (PublishRequests.IsBatch(context.Request.Path) ? MaxBatchBody : RelayProtocol.MaxRequestBody);

    /// <returns>Null when it has to be a request of its own; nothing has been sent then.</returns>
    /// <exception cref="RelayRefusedException">The same, for a reason that somebody should know.</exception>
    public static async ValueTask<ForwarderError?> TrySendAsync(RelayPool pool, Forward forward)
    {
        var context = forward.Context;
        using var message = new HttpRequestMessage(HttpMethod.Post, (Uri?)null) { Content = new RelayMessages.HeadersOnly() };
        await forward.Transformer.TransformRequestAsync(context, message, forward.DestinationPrefix, context.RequestAborted);
        if (context.Response.HasStarted || context.Response.StatusCode != StatusCodes.Status200OK)
        {
            // A transform has answered.
            return ForwarderError.None;
        }

        var uri = RelayMessages.Address(message, forward);
        var lost = ClientRequest.Of(context).AttemptEnded;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lost);
        limit.CancelAfter(forward.Timeout);
        RelayAnswer answer;
        try
        {
            if (await AskAsync(pool, forward, uri, RelayMessages.Headers(message, uri), limit.Token) is not { } request)
            {
                return null;
            }

            answer = await request.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException exception) when (limit.IsCancellationRequested && exception.InnerException is not TimeoutException)
        {
            var late = !context.RequestAborted.IsCancellationRequested && !lost.IsCancellationRequested;
            return RelayMessages.Fail(context, late ? new TimeoutException("The replica did not answer in time.") : exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException or BadHttpRequestException)
        {
            return RelayMessages.Fail(context, exception);
        }

        return await AnswerAsync(context, forward.Transformer, answer);
    }

    /// <returns>Null when it has to be a request of its own.</returns>
    private static async ValueTask<RelayClientRequest?> AskAsync(
        RelayPool pool, Forward forward, Uri uri, List<KeyValuePair<string, string>> headers, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Before the body is read: a replica that cannot be reached has taken nothing of it.
            var link = await pool.FindAsync(forward.HttpClient, cancellationToken);
            if (link.IsStopping && forward.Context.Features.Get<IForwardAttempts>()?.HasAnother(forward.Context) == true)
            {
                // As a request of its own it could come when the replica closes its listener, and nobody would know what became of it.
                throw new ReplicaStoppingException(pool.Replica);
            }

            if (!link.TakesRequests)
            {
                return null;
            }

            var body = await ReadBodyAsync(forward.Context, cancellationToken);
            if (link.Ask(uri.PathAndQuery, headers, body) is { } request)
            {
                return request;
            }

            // Meanwhile the replica began to stop, or others were faster.
        }
    }

    private static async ValueTask<ForwarderError?> AnswerAsync(HttpContext context, HttpTransformer transformer, RelayAnswer answer)
    {
        using var message = RelayMessages.Answer(answer.Status, answer.Headers);
        context.Response.StatusCode = answer.Status;
        if (!await transformer.TransformResponseAsync(context, message, context.RequestAborted))
        {
            return ForwarderError.None;
        }

        if (answer.Body.IsEmpty)
        {
            return ForwarderError.None;
        }

        context.Response.ContentLength ??= answer.Body.Length;
        try
        {
            await context.Response.Body.WriteAsync(answer.Body, context.RequestAborted);
            return ForwarderError.None;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The client left; what it asked for is done.
            context.Features.Set<IForwarderErrorFeature>(new RelayFailure(ForwarderError.ResponseBodyClient, exception));
            return ForwarderError.ResponseBodyClient;
        }
    }

    private static ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (context.Request.Body is WholeBody whole)
        {
            return new ValueTask<ReadOnlyMemory<byte>>(whole.Bytes);
        }

        var length = (int)context.Request.ContentLength!.Value;
        return length == 0 ? default : ReadBodyAsync(context, length, cancellationToken);
    }

    private static async ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContext context, int length, CancellationToken cancellationToken)
    {
        var reader = context.Request.BodyReader;
        var read = await reader.ReadAtLeastAsync(length, cancellationToken);
        var bytes = read.Buffer.ToArray();
        reader.AdvanceTo(read.Buffer.End);
        if (bytes.Length != length)
        {
            throw new BadHttpRequestException("The body is shorter than the request says.");
        }

        // For the next attempt, whoever makes it.
        context.Request.Body = new WholeBody(bytes);
        return bytes;
    }
}

/// <summary>A short body that has come.</summary>
internal sealed class WholeBody(byte[] bytes) : MemoryStream(bytes, 0, bytes.Length, writable: false, publiclyVisible: true), IBodyProgress
{
    public ReadOnlyMemory<byte> Bytes => GetBuffer();

    public bool IsWhole => true;
}
