using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.ServiceDefaults.Replicas;

public sealed class GarnetReplicaRegistryTests(GarnetServer server) : ReplicaRegistryTests(server), IClassFixture<GarnetServer>;
