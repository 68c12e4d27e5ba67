using SseApp.ServiceDefaults.Cluster.Replicas;

namespace SseApp.AppHost.Supervision;

/// <summary>Reports restarts to the cluster, so that it can alert.</summary>
internal interface IRestartReport
{
    /// <summary>Must not block nor throw.</summary>
    void Add(RestartRecord restart);
}
