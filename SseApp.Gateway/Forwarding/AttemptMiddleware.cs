using Microsoft.Extensions.Options;
using SseApp.Gateway.Health;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Streams;
using Yarp.ReverseProxy.Forwarder;

namespace SseApp.Gateway.Forwarding;

/// <summary>
/// One try at one replica: it ends when the replica is lost, and when a stream has no first byte in time. An open
/// stream then ends cleanly and its client comes back; a request without an answer may go to another replica.
/// </summary>
internal sealed class AttemptMiddleware(RequestDelegate next, LostReplicas losses, IOptions<UpstreamOptions> upstream)
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
            await TryAsync(context, watch);
        }
        finally
        {
            losses.Leave(watch);
        }
    }

    private async Task TryAsync(HttpContext context, ReplicaInFlight watch)
    {
        using var limit = new AttemptLimit(watch.Lost);
        var ended = limit.Ended;
        if (StreamRequests.IsStream(context.Request))
        {
            limit.AwaitFirstByte(context.Response, upstream.Value.FirstByteTimeout);
        }

        await StreamLifetime.RunAsync(context, next, ended);
        if (ended.IsCancellationRequested && !context.Response.HasStarted && context.Features.Get<IForwarderErrorFeature>() is not null)
        {
            var failure = watch.Lost.IsCancellationRequested ? AttemptFailure.Lost : AttemptFailure.Silent;
            context.Features.Set<IForwarderErrorFeature>(failure);
            context.Response.StatusCode = failure.Status;
        }
    }
}
