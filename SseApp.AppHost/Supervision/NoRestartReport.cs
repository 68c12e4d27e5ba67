using SseApp.ServiceDefaults.Cluster.Replicas;

namespace SseApp.AppHost.Supervision;

/// <summary>For an AppHost whose cluster has nobody to tell.</summary>
internal sealed class NoRestartReport : IRestartReport
{
    public void Add(RestartRecord restart)
    {
    }
}
