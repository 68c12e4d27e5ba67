using System.ComponentModel.DataAnnotations;

namespace SseApp.Gateway.Limits;

/// <summary>Section <c>Limits</c>.</summary>
public sealed class LimitsOptions
{
    public const string SectionName = "Limits";

    /// <summary>
    /// Largest request body in bytes; a larger one is 413. Default 16 MiB, which a full batch of events of ordinary size
    /// does not reach. 1 KiB to 1 GiB.
    /// </summary>
    [Range(1024L, 1L << 30)]
    public long MaxRequestBodyBytes { get; set; } = 16 * 1024 * 1024;
}
