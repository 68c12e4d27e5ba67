using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.ServiceDefaults.Replicas;

public sealed class RedisReplicaRegistryTests(RedisServer server) : ReplicaRegistryTests(server), IClassFixture<RedisServer>;
