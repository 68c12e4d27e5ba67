using SseApp.ServiceDefaults.Cluster.Replicas;

namespace SseApp.AppHost.Supervision;

/// <summary>Tells the cluster of restarts, so that it can alert.</summary>
internal interface IRestartReport
{
    /// <summary>Must not block nor throw.</summary>
    void Add(RestartRecord restart);
}
