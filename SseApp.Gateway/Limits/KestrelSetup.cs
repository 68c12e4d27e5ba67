using Microsoft.AspNetCore.Server.Kestrel.Core;
using SseApp.Gateway.Clients;

namespace SseApp.Gateway.Limits;

internal sealed class KestrelSetup(IOptions<LimitsOptions> limits) : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions options)
    {
        options.Limits.MaxRequestBodySize = limits.Value.MaxRequestBodyBytes;

        // Twice of what is allowed, so that HeadSizeMiddleware can say what the limit is. Over HTTP/2 and HTTP/3 the URL is a header too,
        // and one that is only too long for a request line would have its stream reset.
        var head = 2 * (limits.Value.MaxRequestLineBytes + limits.Value.MaxRequestHeaderBytes);
        options.Limits.MaxRequestLineSize = head;
        options.Limits.MaxRequestHeadersTotalSize = head;
        options.Limits.MaxRequestBufferSize = Math.Max(head, options.Limits.MaxRequestBufferSize ?? 0);
        options.Limits.RequestHeadersTimeout = limits.Value.RequestHeadersTimeout;
        options.Limits.KeepAliveTimeout = limits.Value.KeepAliveTimeout;

        // It would abort whoever takes one write slower than 240 bytes/s, and with an HTTP/2 connection all streams on it. For
        // HTTP/2 there is no switch by request (IHttpMinResponseDataRateFeature: "not available for HTTP/2 requests. Instead,
        // use MinResponseDataRate"), so ResponseRateMiddleware demands it of HTTP/1.1. Over HTTP/2 a response that is
        // not read ends by Limits:RequestTimeout, a stream by the replica's backlog (Streaming:MaxBacklogBytes), and a connection that
        // is not read by Limits:SendTimeout.
        options.Limits.MinResponseDataRate = null;

        // One field may fill the whole head, as in HTTP/1.1.
        options.Limits.Http2.MaxRequestHeaderFieldSize = head;
        options.Limits.Http2.MaxStreamsPerConnection = limits.Value.RequestsPerConnection;
        options.Limits.Http3.MaxRequestHeaderFieldSize = head;
    }
}
