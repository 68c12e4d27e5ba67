namespace SseApp.Tests.Events.Streams;

public sealed class ClearTextHttp2StreamWriterTests(RedisServer redis) : Http2StreamWriterTests(redis, null), IClassFixture<RedisServer>;
