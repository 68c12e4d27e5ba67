namespace SseApp.Tests.Events.Log;

public sealed class RedisClusterTopicLogTests(RedisClusterServer server) : TopicLogTests(server), IClassFixture<RedisClusterServer>;
