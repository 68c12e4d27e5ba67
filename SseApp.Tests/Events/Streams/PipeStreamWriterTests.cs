namespace SseApp.Tests.Events.Streams;

public sealed class PipeStreamWriterTests(RedisServer redis) : PlainStreamWriterTests(redis, direct: false), IClassFixture<RedisServer>;
