namespace SseApp.AppHost.Operations;

/// <summary>What the dashboard shows of a replica, from the gateway's <c>/admin/replicas</c>.</summary>
internal sealed record ReplicaInfo(string Id, string State, int Connections, string Version, double SchedulingDelayMs);
