using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace SseApp.Gateway.Console;

/// <summary>A file of the console, compressed once at start as well as possible.</summary>
internal sealed class ConsoleFile
{
    public ConsoleFile(string contentType, byte[] content)
    {
        ContentType = contentType;
        Version = Convert.ToHexStringLower(SHA256.HashData(content))[..16];
        Plain = new Variant(content, new EntityTagHeaderValue($"\"{Version}\""), null);
        Brotli = Compressed("br", stream => new BrotliStream(stream, CompressionLevel.SmallestSize, leaveOpen: true));
        Gzip = Compressed("gzip", stream => new GZipStream(stream, CompressionLevel.SmallestSize, leaveOpen: true));
    }

    public string ContentType { get; }

    /// <summary>Changes with the content; a link that carries it may be cached for ever.</summary>
    public string Version { get; }

    public Variant Plain { get; }

    public Variant Brotli { get; }

    public Variant Gzip { get; }

    public string Text => Encoding.UTF8.GetString(Plain.Content);

    // Each encoding has its own strong tag (RFC 9110, 8.8.3.3).
    private Variant Compressed(string encoding, Func<Stream, Stream> open)
    {
        using var buffer = new MemoryStream();
        using (var compressor = open(buffer))
        {
            compressor.Write(Plain.Content);
        }

        return new Variant(buffer.ToArray(), new EntityTagHeaderValue($"\"{Version}-{encoding}\""), encoding);
    }

    public sealed record Variant(byte[] Content, EntityTagHeaderValue Tag, string? Encoding);
}
