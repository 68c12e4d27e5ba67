namespace SseApp.Tests.Events.Streams;

public sealed class SocketStreamWriterTests(RedisServer redis) : PlainStreamWriterTests(redis, direct: true), IClassFixture<RedisServer>;
