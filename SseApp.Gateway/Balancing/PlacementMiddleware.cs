using Microsoft.Extensions.Options;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Gateway.Balancing;

/// <summary>
/// Tells the replica how a stream is placed, if it may be moved. The replica ends streams itself, because it alone knows
/// where an event ends, and because one that decides over its own streams only cannot be outbid by a second gateway.
/// </summary>
internal sealed class PlacementMiddleware(RequestDelegate next, IOptions<BalancingOptions> options, IOptions<LimitsOptions> limits)
{
    private readonly HashKey _key = HashKey.TryParse(options.Value.HashKey, limits.Value.IPv6PrefixLength)!;
    private readonly bool _hashes = string.Equals(options.Value.Policy, IpHashPolicy.PolicyName, StringComparison.OrdinalIgnoreCase);

    public Task InvokeAsync(HttpContext context)
    {
        // A client could name a key of its own and have its stream ended at others' expense.
        context.Request.Headers.Remove(StreamHeaders.Placement);
        if (options.Value.Rebalance && context.GetReverseProxyFeature().Cluster.Config.ClusterId == ReplicaDirectory.ClusterId && StreamRequests.IsStream(context.Request))
        {
            context.Request.Headers[StreamHeaders.Placement] =
                (_hashes ? new ServiceDefaults.Cluster.Placement.StreamPlacement(_key.Of(context), options.Value.LoadFactor) : new(null, 1)).ToString();
        }

        return next(context);
    }
}
