namespace SseApp.Events.Publishing;

/// <summary>Section <c>Publishing</c>: how much may be published at once.</summary>
internal sealed class PublishingOptions
{
    public const string SectionName = "Publishing";

    /// <summary>
    /// Largest data of one event, in bytes of UTF-8. Default 65 529: with <c>data: </c> and its end a line then has at most
    /// 64 KiB, where common line readers stop.
    /// </summary>
    [Range(1, 16 * 1024 * 1024)]
    public int MaxEventBytes { get; set; } = (64 * 1024) - "data: \n".Length;

    /// <summary>Most items of one batch. Default 1 000.</summary>
    [Range(1, 100_000)]
    public int MaxBatchItems { get; set; } = 1_000;

    /// <summary>Largest body of one batch, in bytes. Default 16 MiB.</summary>
    [Range(1024, 1024 * 1024 * 1024)]
    public int MaxBatchBytes { get; set; } = 16 * 1024 * 1024;
}
