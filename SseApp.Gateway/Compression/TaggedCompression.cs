using Microsoft.AspNetCore.ResponseCompression;

namespace SseApp.Gateway.Compression;

/// <summary>
/// Compresses as the platform does, and says so in the <c>ETag</c>: what is compressed on the way has not the bytes that a strong
/// one promises, and parts of it that a client asks for later (<c>Range</c>, <c>If-Range</c>) would be parts of something else.
/// </summary>
internal sealed class TaggedCompression(IServiceProvider services, IOptions<ResponseCompressionOptions> options) : ResponseCompressionProvider(services, options)
{
    /// <summary>Called when the first byte of a response is about to be compressed.</summary>
    public override ICompressionProvider? GetCompressionProvider(HttpContext context)
    {
        var provider = base.GetCompressionProvider(context);
        var headers = context.Response.Headers;
        if (provider is not null && headers.ETag is [{ Length: > 0 } tag])
        {
            headers.ETag = tag.StartsWith("W/", StringComparison.Ordinal) ? tag : $"W/{tag}";
            headers.AcceptRanges = default;
        }

        return provider;
    }
}
