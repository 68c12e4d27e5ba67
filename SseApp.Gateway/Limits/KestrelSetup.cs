using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace SseApp.Gateway.Limits;

internal sealed class KestrelSetup(IOptions<LimitsOptions> limits) : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.Limits.MaxRequestBodySize = limits.Value.MaxRequestBodyBytes;
        options.Limits.MaxRequestHeadersTotalSize = limits.Value.MaxRequestHeaderBytes;
        options.Limits.RequestHeadersTimeout = limits.Value.RequestHeadersTimeout;
        options.Limits.KeepAliveTimeout = limits.Value.KeepAliveTimeout;

        // One field may fill the whole head, as in HTTP/1.1.
        options.Limits.Http2.MaxRequestHeaderFieldSize = limits.Value.MaxRequestHeaderBytes;
        options.Limits.Http3.MaxRequestHeaderFieldSize = limits.Value.MaxRequestHeaderBytes;
    }
}
