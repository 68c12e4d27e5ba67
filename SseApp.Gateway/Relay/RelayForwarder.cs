using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using SseApp.Gateway.AccessLog;
using SseApp.Gateway.Balancing;
using SseApp.Gateway.Health;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Streams;
using SseApp.ServiceDefaults.Cluster.Relay;
using SseApp.ServiceDefaults.Cluster.Writers;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace SseApp.Gateway.Relay;

/// <summary>
/// YARP's last step. YARP has chosen the destination and counts the request; event streams of replicas that offer it go
/// over a relay connection, everything else takes YARP's own way.
/// </summary>
internal sealed partial class RelayForwarder(
    IHttpForwarder forwarder,
    RelayPools pools,
    StreamWriterFactory writers,
    IOptions<RelayOptions> options,
    ILogger<RelayForwarder> logger) : IHttpForwarder
{
    private static readonly TimeSpan s_defaultTimeout = TimeSpan.FromSeconds(100);

    public ValueTask<ForwarderError> SendAsync(
        HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer) =>
        SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, CancellationToken.None);

    public ValueTask<ForwarderError> SendAsync(
        HttpContext context,
        string destinationPrefix,
        HttpMessageInvoker httpClient,
        ForwarderRequestConfig requestConfig,
        HttpTransformer transformer,
        CancellationToken cancellationToken) =>
        FindPool(context, destinationPrefix) is { } pool
            ? RelayAsync(pool, context, destinationPrefix, httpClient, requestConfig, transformer, cancellationToken)
            : ForwardAsync(context, destinationPrefix, httpClient, requestConfig, transformer, cancellationToken);

    private ValueTask<ForwarderError> ForwardAsync(
        HttpContext context,
        string destinationPrefix,
        HttpMessageInvoker httpClient,
        ForwarderRequestConfig requestConfig,
        HttpTransformer transformer,
        CancellationToken cancellationToken) =>
        context.Features.Get<IHttpRequestLifetimeFeature>() is StreamLifetime lifetime
            ? ForwardStreamAsync(lifetime, context, destinationPrefix, httpClient, requestConfig, transformer, cancellationToken)
            : forwarder.SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, cancellationToken);

    private async ValueTask<ForwarderError> ForwardStreamAsync(
        StreamLifetime lifetime,
        HttpContext context,
        string destinationPrefix,
        HttpMessageInvoker httpClient,
        ForwarderRequestConfig requestConfig,
        HttpTransformer transformer,
        CancellationToken cancellationToken)
    {
        var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        context.Features.Set<IHttpResponseBodyFeature>(new WholeWriteBody(body, lifetime, options.Value.CloseTimeout));
        try
        {
            return await forwarder.SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, cancellationToken);
        }
        finally
        {
            context.Features.Set(body);
        }
    }

    private RelayPool? FindPool(HttpContext context, string address)
    {
        var request = context.Request;
        return options.Value.Enabled
            && HttpMethods.IsGet(request.Method)
            && request.Path.Equals(StreamRequests.Path, StringComparison.Ordinal)
            && context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true }
            && context.Features.Get<IReverseProxyFeature>()?.ProxiedDestination is { } destination
            && Offers(destination)
            && pools.Get(destination.DestinationId, address) is { IsOffered: true } pool
            ? pool
            : null;
    }

    private static bool Offers(DestinationState destination) =>
        destination.Model?.Config.Metadata is { } metadata
        && metadata.TryGetValue(DestinationMetadata.RelayKey, out var version)
        && version == RelayProtocol.VersionText;

    // The state machine that lives as long as the stream; what opening it needs is garbage by then.
    private async ValueTask<ForwarderError> RelayAsync(
        RelayPool pool,
        HttpContext context,
        string destinationPrefix,
        HttpMessageInvoker httpClient,
        ForwarderRequestConfig requestConfig,
        HttpTransformer transformer,
        CancellationToken cancellationToken)
    {
        RelayAttempt attempt;
        try
        {
            attempt = await OpenAsync(pool, context, destinationPrefix, httpClient, requestConfig, transformer);
        }
        catch (RelayRefusedException exception)
        {
            LogRefused(pool.Replica, exception.Message);
            return await ForwardAsync(context, destinationPrefix, httpClient, requestConfig, transformer, cancellationToken);
        }

        if (attempt is not { Stream: { } stream, Link: { } link })
        {
            return attempt.Error;
        }

        attempt = default;
        // Null from here on, so that they are not kept for the hours that a stream lasts.
        (pool, destinationPrefix, httpClient, requestConfig, transformer) = (null!, null!, null!, null!, null!);
        // The client left, the gateway stops, or the replica was given up: only the first cuts a write that is under way,
        // and does so by itself.
        await using var leaving = context.RequestAborted.UnsafeRegister(static state => ((RelayClientStream)state!).Leave(), stream);
        var end = await stream.Completion;
        context.Features.Get<ResponseTraffic>()?.Add(stream.Bytes, stream.Events);
        return Finish(context, link, end);
    }

    private static ForwarderError Finish(HttpContext context, RelayClientConnection link, RelayEnd end)
    {
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

    [LoggerMessage(LogLevel.Warning, "Streams of replica {Replica} are forwarded one by one for now: {Reason} Is something between gateway and replica that does not pass upgrades?")]
    private partial void LogRefused(string replica, string reason);
}
