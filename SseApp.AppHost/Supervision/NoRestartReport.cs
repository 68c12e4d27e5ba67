using SseApp.ServiceDefaults.Cluster.Replicas;

namespace SseApp.AppHost.Supervision;

/// <summary>For an AppHost whose cluster has no gateway to report to.</summary>
internal sealed class NoRestartReport : IRestartReport
{
    public void Add(RestartRecord restart)
    {
    }
}
