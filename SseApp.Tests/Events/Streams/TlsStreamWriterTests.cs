namespace SseApp.Tests.Events.Streams;

/// <summary>HTTP/1.1 over TLS.</summary>
public sealed class TlsStreamWriterTests(RedisServer redis, TlsFixture tls)
    : StreamWriterTests(redis, SecondEndpoint("Http1", tls.Certificate)), IClassFixture<RedisServer>, IClassFixture<TlsFixture>
{
    internal override async Task<IStreamPeer> ConnectAsync(EventsHost host, int receiveBuffer = 0) =>
        await RawStream.ConnectAsync(host.Addresses[1], receiveBuffer, tls.Certificate);
}
