using SseApp.Gateway.Forwarding;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace SseApp.Gateway.Health;

/// <summary>
/// Takes a destination out for a while as soon as it cannot be connected to, or takes a stream and sends nothing. Without it a dead replica, whose streams
/// just ended, would have the least connections and be the first choice of everybody until a check finds out.
/// A stream that breaks says nothing by itself: its replica may have had a reason.
/// </summary>
internal sealed class ConnectFailureHealthPolicy(IDestinationHealthUpdater updater) : IPassiveHealthCheckPolicy
{
    public const string PolicyName = "ConnectFailure";

    private static readonly TimeSpan s_defaultReactivation = TimeSpan.FromSeconds(2);

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        if (context.Features.Get<IForwarderErrorFeature>() is { } failure && (failure is AttemptFailure || ForwardFailure.NeverSent(failure)))
        {
            var reactivation = cluster.Model.Config.HealthCheck?.Passive?.ReactivationPeriod ?? s_defaultReactivation;
            updater.SetPassive(cluster, destination, DestinationHealth.Unhealthy, reactivation);
        }
    }
}
