using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Net.Http.Headers;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>What every service wants of its server. What a gateway limits further, it sets after this.</summary>
internal sealed class HttpServerSetup : IConfigureOptions<KestrelServerOptions>
{
    /// <summary>Longest request line that a replica takes: more than any gateway passes on.</summary>
    public const int MaxRequestLine = 512 * 1024;

    // The most that fits Kestrel's buffer of one connection (MaxRequestBufferSize).
    private const int MaxHeaders = 1024 * 1024;

    // HTTP/2 sends each cookie as a field of its own; the bytes are what has to be limited.
    private const int MaxHeaderCount = 2_000;

    public void Configure(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.Limits.MaxRequestLineSize = MaxRequestLine;
        options.Limits.MaxRequestHeadersTotalSize = MaxHeaders;
        options.Limits.MaxRequestHeaderCount = MaxHeaderCount;
        options.Limits.Http2.MaxRequestHeaderFieldSize = MaxHeaders;
        options.Limits.Http3.MaxRequestHeaderFieldSize = MaxHeaders;

        // Byte for byte, as HTTP allows them (RFC 9110, 5.5: obs-text). By default a value that is not UTF-8 is a 400, and one
        // that is not ASCII cannot be answered: the cookie of another application would decide over a stream.
        options.RequestHeaderEncodingSelector = static name =>
        {
            KeptLength.See(name);
            return name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase) ? LengthEncoding.Instance : Encoding.Latin1;
        };
        options.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        options.ConfigureEndpointDefaults(static endpoint => endpoint.UseClientConnection());
    }
}
