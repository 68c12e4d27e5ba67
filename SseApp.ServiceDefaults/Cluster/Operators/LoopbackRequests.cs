namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>
/// Distinguishes requests made on the machine itself from those that a proxy on it passed on, as well as that can be done:
/// a proxy need not say that it is one. Good enough to spare a health check a redirect, never for what somebody may do.
/// </summary>
internal static class LoopbackRequests
{
    /// <summary>True when the peer is a loopback address, or a process at the other end of a Unix socket, which has none, and no proxy speaks for somebody else.</summary>
    public static bool IsDirect(HttpContext context)
    {
        // Behind a proxy on this machine everybody comes from loopback; the proxy gives itself away by its headers.
        var headers = context.Request.Headers;
        // X-Original-For is left where a known proxy's X-Forwarded-For has been taken as the client's address.
        var proxied = headers.ContainsKey("X-Forwarded-For")
            || headers.ContainsKey("Forwarded")
            || headers.ContainsKey("X-Real-IP")
            || headers.ContainsKey("X-Original-For");
        // nginx's proxy_pass as it comes adds none of them, but speaks HTTP/1.0, which no operator's tool does.
        return !proxied && !HttpProtocol.IsHttp10(context.Request.Protocol) && (context.Connection.RemoteIpAddress is not { } address || IPAddress.IsLoopback(address));
    }
}
