using System.Runtime.CompilerServices;
using SseApp.Gateway.Balancing;
using Yarp.ReverseProxy.Health;

namespace SseApp.Gateway.Health;

/// <summary>
/// nginx's <c>max_fails</c> and <c>fail_timeout</c>: a destination that failed so many requests within the time gets
/// none for as long, then gets requests again. Without it a dead replica, whose streams just ended, would have the least
/// connections and be the first choice of everybody until a check finds out. Whatever forwards a request reports its
/// failure as <see cref="IForwarderErrorFeature"/>, and this is the one place that draws conclusions for the health.
/// </summary>
internal sealed partial class MaxFailsHealthPolicy(
    IDestinationHealthUpdater updater, IOptions<ReplicaHealthOptions> options, TimeProvider time, ILogger<MaxFailsHealthPolicy> logger) : IPassiveHealthCheckPolicy
{
    public const string PolicyName = "MaxFails";

    private readonly ConditionalWeakTable<DestinationState, Queue<long>> _failures = [];

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        if (context.Features.Get<IForwarderErrorFeature>() is not { } failure || !ForwardFailure.IsDestinationsFault(context, failure))
        {
            return;
        }

        var traits = DestinationTraits.Of(destination);
        var maxFails = traits.MaxFails ?? options.Value.MaxFails;
        if (maxFails == 0)
        {
            return;
        }

        var failTimeout = traits.FailTimeout ?? cluster.Model.Config.HealthCheck?.Passive?.ReactivationPeriod ?? options.Value.FailTimeout;
        var failures = _failures.GetOrCreateValue(destination);
        lock (failures)
        {
            while (failures.TryPeek(out var oldest) && time.GetElapsedTime(oldest) > failTimeout)
            {
                failures.Dequeue();
            }

            failures.Enqueue(time.GetTimestamp());
            if (failures.Count < maxFails)
            {
                return;
            }

            // When it gets requests again, it begins anew.
            failures.Clear();
        }

        LogFailed(destination.DestinationId, failTimeout.TotalSeconds, failure.Error, failure.Exception?.GetBaseException().Message ?? "it sent no answer");
        updater.SetPassive(cluster, destination, DestinationHealth.Unhealthy, failTimeout);
    }

    [LoggerMessage(LogLevel.Warning, "{Destination} failed a request and gets none for {Seconds} s ({Error}): {Reason}")]
    private partial void LogFailed(string destination, double seconds, ForwarderError error, string reason);
}
