namespace SseApp.Tests.Events.Log;

public sealed class RedisSentinelTopicLogTests(RedisSentinelServer server) : TopicLogTests(server), IClassFixture<RedisSentinelServer>;
