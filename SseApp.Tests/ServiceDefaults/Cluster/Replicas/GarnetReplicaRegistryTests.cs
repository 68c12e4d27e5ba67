namespace SseApp.Tests.ServiceDefaults.Cluster.Replicas;

public sealed class GarnetReplicaRegistryTests(GarnetServer server) : ReplicaRegistryTests(server), IClassFixture<GarnetServer>;
