using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Balancing;

/// <summary>
/// Passes to the replica how a stream is placed, if it may be moved. The replica ends streams itself: it alone knows where
/// an event ends, and two gateways that each chose streams to move would move too many.
/// </summary>
internal sealed class PlacementMiddleware(RequestDelegate next, IOptions<BalancingOptions> options)
{
    private readonly HashKey _key = HashKey.TryParse(options.Value.HashKey)!;
    private readonly bool _hashes = string.Equals(options.Value.Policy, IpHashPolicy.PolicyName, StringComparison.OrdinalIgnoreCase);

    public Task InvokeAsync(HttpContext context)
    {
        // A client could name a key of its own and have its stream ended at others' expense.
        context.Request.Headers.Remove(StreamHeaders.Placement);
        if (options.Value.Rebalance && context.GetReverseProxyFeature().Cluster.Config.ClusterId == ReplicaDirectory.ClusterId && ClientRequest.Of(context).CountsAsStream)
        {
            context.Request.Headers[StreamHeaders.Placement] =
                (_hashes ? new ServiceDefaults.Cluster.Placement.StreamPlacement(_key.Of(context), options.Value.LoadFactor) : new(null, 1)).ToString();
        }

        return next(context);
    }
}
