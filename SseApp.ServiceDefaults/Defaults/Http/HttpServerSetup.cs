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

    /// <summary>
    /// Most requests that one HTTP/2 connection may have open, here and at a gateway. The platform's 100 would make the next EventSource
    /// of a page wait in the browser, for ever and without a word, where a limit of ours says that it is one.
    /// </summary>
    public const int MaxHttp2Streams = 10_000;

    public void Configure(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.Limits.MaxRequestLineSize = MaxRequestLine;
        options.Limits.MaxRequestHeadersTotalSize = MaxHeaders;
        options.Limits.MaxRequestHeaderCount = MaxHeaderCount;
        options.Limits.Http2.MaxRequestHeaderFieldSize = MaxHeaders;
        options.Limits.Http2.MaxStreamsPerConnection = MaxHttp2Streams;
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
