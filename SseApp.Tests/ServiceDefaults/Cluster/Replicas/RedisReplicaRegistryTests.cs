namespace SseApp.Tests.ServiceDefaults.Cluster.Replicas;

public sealed class RedisReplicaRegistryTests(RedisServer server) : ReplicaRegistryTests(server), IClassFixture<RedisServer>;
