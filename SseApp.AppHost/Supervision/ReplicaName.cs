using SseApp.ServiceDefaults.Cluster.Replicas;

namespace SseApp.AppHost.Supervision;

/// <summary>Finds the id under which an instance is in the replica registry.</summary>
internal static class ReplicaName
{
    public static string? Of(CustomResourceSnapshot snapshot) =>
        InstanceId.Of(snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == InstanceId.Variable)?.Value);
}
