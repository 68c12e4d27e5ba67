using System.Runtime.InteropServices;
using SseApp.Gateway.Balancing;
using SseApp.Gateway.Health;
using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Streams;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Cluster.Relay;
using SseApp.ServiceDefaults.Defaults.Descriptors;

namespace SseApp.Gateway.Relay;

/// <summary>
/// YARP's last step. YARP has chosen the destination and counts the request; event streams and short publishes of replicas that
/// offer it go over a relay connection, everything else takes YARP's own way.
/// </summary>
internal sealed partial class RelayForwarder(
    IHttpForwarder forwarder,
    RelayPools pools,
    StreamWriterFactory writers,
    PublishStreamForwarder publishes,
    DescriptorBudget descriptors,
    GatewayMetrics metrics,
    IOptions<RelayOptions> options,
    ILogger<RelayForwarder> logger) : IHttpForwarder
{
    public ValueTask<ForwarderError> SendAsync(
        HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer) =>
        SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, CancellationToken.None);

    public ValueTask<ForwarderError> SendAsync(
        HttpContext context,
        string destinationPrefix,
        HttpMessageInvoker httpClient,
        ForwarderRequestConfig requestConfig,
        HttpTransformer transformer,
        CancellationToken cancellationToken)
    {
        var forward = new Forward(context, destinationPrefix, httpClient, requestConfig, transformer, cancellationToken);
        return IsStream(context) && FindPool(forward) is { } pool ? RelayAsync(pool, forward)
            : RelayPublishes.IsShort(context) && FindPool(forward) is { } link ? PublishAsync(link, forward)
            : ForwardAsync(forward);
    }

    private async ValueTask<ForwarderError> PublishAsync(RelayPool pool, Forward forward)
    {
        try
        {
            if (await RelayPublishes.TrySendAsync(pool, forward) is { } result)
            {
                return result;
            }
        }
        catch (RelayRefusedException exception)
        {
            LogRefused(pool.Replica, exception.Message);
        }

        return await ForwardAsync(forward);
    }

    private async ValueTask<ForwarderError> ForwardAsync(Forward forward)
    {
        var request = ClientRequest.Of(forward.Context);
        if (forward.Context.Request.Body is WholeBody body)
        {
            // An attempt before this one has read it.
            body.Position = 0;
        }

        var lifetime = forward.Context.Features.Get<IHttpRequestLifetimeFeature>() as StreamLifetime;
        if (request.IsPublish)
        {
            forward = forward with { Cancellation = request.AttemptEnded };
        }

        // Each such request has a connection to its replica; only HTTP/2 with TLS shares one.
        var shared = forward.DestinationPrefix.StartsWith("https:", StringComparison.OrdinalIgnoreCase) && forward.Config?.Version?.Major != 1;
        if (!shared && !descriptors.TryForward(request.IsStream))
        {
            forward.Context.Features.Set<IForwarderErrorFeature>(RefusedForward.OpenFiles);
            return ForwarderError.NoAvailableDestinations;
        }

        try
        {
            return await (request.IsPublishStream ? publishes.SendAsync(forward)
                : lifetime is null ? forward.SendAsync(forwarder)
                : ForwardStreamAsync(lifetime, forward));
        }
        finally
        {
            if (!shared)
            {
                descriptors.EndForward();
            }
        }
    }

    private async ValueTask<ForwarderError> ForwardStreamAsync(StreamLifetime lifetime, Forward forward)
    {
        var context = forward.Context;
        var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        context.Response.Body = new WholeWriteStream(body.Stream, lifetime, options.Value.CloseTimeout);
        try
        {
            var error = await forward.SendAsync(forwarder);
            if (error == ForwarderError.ResponseBodyDestination && ClientRequest.Of(context) is { CountsAsStream: true } request)
            {
                // Also when the replica cut off a client that was too slow: here the two look the same.
                request.IsCountedAsLost = true;
                metrics.StreamsLost.Add(1);
            }

            return error;
        }
        finally
        {
            context.Features.Set(body);
        }
    }

    private static bool IsStream(HttpContext context) =>
        HttpMethods.IsGet(context.Request.Method)
        && context.Request.Path.Equals(EventStreams.Path, StringComparison.Ordinal)
        && !RequestBodies.MayCome(context);

    private RelayPool? FindPool(in Forward forward) =>
        options.Value.Enabled
        && forward.Context.Features.Get<IReverseProxyFeature>()?.ProxiedDestination is { } destination
        && Offers(destination)
        && pools.Get(destination.DestinationId, forward.DestinationPrefix) is { IsOffered: true } pool
            ? pool
            : null;

    private static bool Offers(DestinationState destination) =>
        destination.Model?.Config.Metadata is { } metadata
        && metadata.TryGetValue(DestinationMetadata.RelayKey, out var version)
        && version == RelayProtocol.VersionText;

    // The state machine that lives as long as the stream; what opening it needs is garbage by then.
    private async ValueTask<ForwarderError> RelayAsync(RelayPool pool, Forward forward)
    {
        var context = forward.Context;
        RelayAttempt attempt;
        try
        {
            attempt = await OpenAsync(pool, forward);
        }
        catch (RelayRefusedException exception)
        {
            LogRefused(pool.Replica, exception.Message);
            return await ForwardAsync(forward);
        }

        if (attempt is not { Stream: { } stream, Link: { } link })
        {
            return attempt.Error;
        }

        // Nothing from here on, so that it is not kept for the hours that a stream lasts.
        (attempt, pool, forward) = (default, null!, default);

        // The client left, the gateway stops, or the replica is lost: only the first cuts a write that is under way, and
        // does so by itself.
        await using var leaving = context.RequestAborted.UnsafeRegister(static state => ((RelayClientStream)state!).Leave(), stream);
        var end = await stream.Completion;
        context.Features.Get<ResponseTraffic>()?.AddStream(stream.Bytes, stream.Events);
        return Finish(context, link, end);
    }

    private static ForwarderError Finish(HttpContext context, RelayClientConnection link, RelayEnd end)
    {
        // By the connection.
        ClientRequest.Of(context).IsCountedAsLost = end == RelayEnd.Broken;
        switch (end)
        {
            case RelayEnd.Cut:
                Cut(context);
                return ForwarderError.ResponseBodyDestination;
            case RelayEnd.Left:
                return ForwarderError.ResponseBodyCanceled;
            case RelayEnd.Broken when link.TryReport():
                // Health checks count it as a connection that failed; the response has begun, so nothing repeats it.
                context.Features.Set<IForwarderErrorFeature>(RelayFailure.Broken);
                return ForwarderError.ResponseBodyDestination;
            default:
                return ForwarderError.None;
        }
    }

    private static void Cut(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestLifetimeFeature>() is StreamLifetime lifetime)
        {
            // Also when the gateway stops, where Abort would let the stream end cleanly: the client does not read.
            lifetime.Cut();
        }
        else
        {
            context.Abort();
        }
    }

    // From the request to the first byte of the response.
    private async Task<RelayAttempt> OpenAsync(RelayPool pool, Forward forward)
    {
        var context = forward.Context;
        var cancellation = context.RequestAborted;
        using var message = new HttpRequestMessage(HttpMethod.Get, (Uri?)null);
        await forward.Transformer.TransformRequestAsync(context, message, forward.DestinationPrefix, cancellation);
        if (context.Response.HasStarted || context.Response.StatusCode != StatusCodes.Status200OK)
        {
            // A transform has answered.
            return new RelayAttempt(null, null, ForwarderError.None);
        }

        var uri = RelayMessages.Address(message, forward);
        if (uri.AbsolutePath != EventStreams.Path)
        {
            throw new RelayRefusedException($"Its streams are at {uri.AbsolutePath}, not at {EventStreams.Path}.");
        }

        RelayClientStream? stream = null;
        try
        {
            (var link, stream) = await pool.OpenAsync(forward.HttpClient, uri.PathAndQuery, RelayMessages.Headers(message, uri), ClientRequest.Of(context).CountsAsStream, cancellation);
            var head = await stream.ReadHeadAsync(forward.Timeout, cancellation);
            if (!await BeginAsync(context, stream, head, forward.Transformer, cancellation))
            {
                stream.Drop();
                return new RelayAttempt(null, null, ForwarderError.None);
            }

            return new RelayAttempt(stream, link, ForwarderError.None);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or TimeoutException or ObjectDisposedException)
        {
            stream?.Drop();
            return new RelayAttempt(null, null, RelayMessages.Fail(context, exception));
        }
        catch
        {
            // A header that the server does not take, a transform that fails: the replica must not go on for nobody.
            stream?.Drop();
            throw;
        }
    }

    /// <returns>False when the transforms keep the response back, for another replica to be asked.</returns>
    private async Task<bool> BeginAsync(HttpContext context, RelayClientStream stream, RelayHead head, HttpTransformer transformer, CancellationToken cancellation)
    {
        using var answer = RelayMessages.Answer(head.Status, head.Headers);
        context.Response.StatusCode = head.Status;
        if (!await transformer.TransformResponseAsync(context, answer, cancellation))
        {
            return false;
        }

        if (context.Features.Get<IHttpResponseBodyFeature>() is StreamResponseBodyFeature { Stream: CountingStream, PriorFeature: { } uncounted })
        {
            // The stream counts what it sends; in the way, this one would keep it from the client's socket.
            context.Features.Set(uncounted);
        }

        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        stream.Start(await writers.StartAsync(context, more: stream.HasWaiting));
        return true;
    }

    [LoggerMessage(LogLevel.Warning, "Requests for replica {Replica} are forwarded one by one for now: {Reason} Is something between gateway and replica that does not pass upgrades?")]
    private partial void LogRefused(string replica, string reason);

    /// <summary>A stream whose response has begun, or why there is none.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct RelayAttempt(RelayClientStream? Stream, RelayClientConnection? Link, ForwarderError Error);
}
