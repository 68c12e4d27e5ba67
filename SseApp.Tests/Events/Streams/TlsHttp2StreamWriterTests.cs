namespace SseApp.Tests.Events.Streams;

public sealed class TlsHttp2StreamWriterTests(RedisServer redis, TlsFixture tls)
    : Http2StreamWriterTests(redis, tls), IClassFixture<RedisServer>, IClassFixture<TlsFixture>;
