using SseApp.Gateway.Balancing;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Forwarding;

/// <summary>A feature of a request: who was asked already, and who is left.</summary>
internal sealed class RequestAttempts(int limit) : IForwardAttempts
{
    private readonly List<DestinationState> _failed = [];

    public bool MayHaveArrived { get; set; }

    public bool HasAnother(HttpContext context) => Remaining(context).Count > 0;

    /// <summary>Notes that the destination asked last did not serve the request.</summary>
    public void Failed(DestinationState destination) => _failed.Add(destination);

    /// <summary>
    /// Who may be asked if the destination that is being asked fails too; as of now, not of when the request came: the
    /// replicas may have changed during the attempt.
    /// </summary>
    public IReadOnlyList<DestinationState> Remaining(HttpContext context)
    {
        var current = context.GetReverseProxyFeature().ProxiedDestination;
        DestinationState[] tried = current is null || _failed.Contains(current) ? [.. _failed] : [.. _failed, current];
        return tried.Length >= limit ? [] : PrimaryThenBackupPolicy.Remaining(context.GetRouteModel().Cluster!, tried);
    }
}
