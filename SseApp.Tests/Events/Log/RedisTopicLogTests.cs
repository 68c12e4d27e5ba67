namespace SseApp.Tests.Events.Log;

public sealed class RedisTopicLogTests(RedisServer server) : TopicLogTests(server), IClassFixture<RedisServer>;
