using System.IO.Compression;

namespace SseApp.Gateway.Compression;

/// <summary>Section <c>Compression</c>: Brotli and gzip for responses that are no event streams.</summary>
public sealed class CompressionOptions
{
    public const string SectionName = "Compression";

    /// <summary>Whether responses are compressed. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// Whether responses over HTTPS are compressed too. Default true. The length of a compressed response reveals something of
    /// its content; where one response holds both a secret and text that an attacker chooses, that can reveal the secret
    /// (the BREACH attack). The gateway's own responses hold no secrets; set it to false when a service behind it has such pages.
    /// </summary>
    public bool OverHttps { get; set; } = true;

    /// <summary>Effort of the compression: <c>Fastest</c> (default), <c>Optimal</c> or <c>SmallestSize</c>.</summary>
    [AllowedValues(CompressionLevel.Fastest, CompressionLevel.Optimal, CompressionLevel.SmallestSize)]
    public CompressionLevel Level { get; set; } = CompressionLevel.Fastest;
}
