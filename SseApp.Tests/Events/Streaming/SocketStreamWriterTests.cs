using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Events.Streaming;

public sealed class SocketStreamWriterTests(RedisServer redis) : PlainStreamWriterTests(redis, direct: true), IClassFixture<RedisServer>;
