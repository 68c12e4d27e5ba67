using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Streams;
using SseApp.Gateway.Telemetry;

namespace SseApp.Gateway.Forwarding;

/// <summary>
/// One attempt at one replica: it ends when the replica is lost, and when a stream has no first byte in time. An open
/// stream then ends cleanly and its client reconnects; a request without an answer may go to another replica.
/// </summary>
internal sealed class AttemptMiddleware(RequestDelegate next, LostReplicas losses, IOptions<UpstreamOptions> upstream, GatewayMetrics metrics)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        if (proxy.Cluster.Config.ClusterId != ReplicaDirectory.ClusterId || proxy.AvailableDestinations is not [{ Model.Config: { } config } destination])
        {
            // Other services' streams may be silent for as long as they like.
            await next(context);
            return;
        }

        var watch = losses.Enter(destination.DestinationId, config.Address);
        try
        {
            await RunAsync(context, watch);
        }
        finally
        {
            losses.Leave(watch);
        }
    }

    private async Task RunAsync(HttpContext context, ReplicaInFlight watch)
    {
        var request = ClientRequest.Of(context);
        // Whatever else accepts a stream has a body that may take its time, and an answer that comes after it.
        using var limit = request.IsStream && ClientRequest.IsBodiless(context.Request) ? new AttemptLimit(watch.Lost) : null;
        limit?.AwaitFirstByte(context.Response, upstream.Value.FirstByteTimeout);
        var ended = limit?.Ended ?? watch.Lost;

        if (request.IsPublish)
        {
            // Its answer has no clean end before its whole; the forwarder cuts it off.
            request.AttemptEnded = ended;
            await next(context);
        }
        else
        {
            await StreamLifetime.RunAsync(context, next, ended);
            if (watch.Lost.IsCancellationRequested && request is { CountsAsStream: true, IsCountedAsLost: false } && context.Response.HasStarted)
            {
                metrics.StreamsLost.Add(1);
            }
        }

        if (ended.IsCancellationRequested && !context.Response.HasStarted && context.Features.Get<IForwarderErrorFeature>() is not null)
        {
            var failure = watch.Lost.IsCancellationRequested ? AttemptFailure.Lost : AttemptFailure.Silent;
            context.Features.Set<IForwarderErrorFeature>(failure);
            context.Response.StatusCode = failure.Status;
        }
    }
}

/// <summary>The gateway itself ended an attempt at a replica before the first byte of an answer.</summary>
internal sealed class AttemptFailure(int status, string reason) : IForwarderErrorFeature
{
    public static readonly AttemptFailure Lost = new(StatusCodes.Status502BadGateway, "The replica counts as lost.");

    public static readonly AttemptFailure Silent = new(StatusCodes.Status504GatewayTimeout, "The replica took the stream and sent nothing.");

    /// <summary>What the client gets if no other replica takes the request.</summary>
    public int Status => status;

    public ForwarderError Error => ForwarderError.Request;

    public Exception Exception { get; } = new TimeoutException(reason);
}

/// <summary>When an attempt at a replica ends early: the replica is lost, or nothing came of a stream in time.</summary>
internal sealed class AttemptLimit(CancellationToken lost) : IDisposable
{
    private CancellationTokenSource? _ended = CancellationTokenSource.CreateLinkedTokenSource(lost);

    public CancellationToken Ended => _ended!.Token;

    /// <summary>Ends the attempt unless the response starts within this.</summary>
    public void AwaitFirstByte(HttpResponse response, TimeSpan timeout)
    {
        _ended!.CancelAfter(timeout);

        // Another attempt's response may start later; this limit is disposed of by then.
        response.OnStarting(
            static state =>
            {
                ((AttemptLimit)state)._ended?.CancelAfter(Timeout.InfiniteTimeSpan);
                return Task.CompletedTask;
            },
            this);
    }

    public void Dispose()
    {
        _ended?.Dispose();
        _ended = null;
    }
}
