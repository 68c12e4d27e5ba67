using SseApp.Events.Log;

namespace SseApp.Events.Publishing;

/// <summary>Section <c>Publishing</c>: how much may be published at once.</summary>
internal sealed class PublishingOptions
{
    public const string SectionName = "Publishing";

    /// <summary>
    /// Largest data of one event, in bytes of UTF-8. Default 65 529: with <c>data: </c> and its end a line then has at most
    /// 64 KiB, where common line readers stop.
    /// </summary>
    [Range(1, SseEncoder.MaxDataBytes)]
    public int MaxEventBytes { get; set; } = (64 * 1024) - "data: \n".Length;

    /// <summary>Most items of one batch. Default 1 000.</summary>
    [Range(1, 100_000)]
    public int MaxBatchItems { get; set; } = 1_000;

    /// <summary>
    /// Most that one batch may store, in bytes: each event as it is sent to clients, and once for each of its topics. Its body
    /// may have eight times as much, because JSON may take six bytes for one. Default 16 MiB.
    /// </summary>
    [Range(1024, 1024 * 1024 * 1024)]
    public int MaxBatchBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>
    /// Time in which the body of a publish, or a line of one that streams, must have come; then it is refused with 408, or the stream ends.
    /// Until then it holds memory. Default 1 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Events of one publish that streams which may be on their way, from reading a line until its result is written; each topic of a line counts.
    /// Then no more is read. A line of more topics passes alone. Default 1 024.
    /// </summary>
    [Range(1, 100_000)]
    public int MaxStreamEvents { get; set; } = 1_024;

    /// <summary>
    /// Bytes that the events of one publish that streams and that are on their way may store, each once for each of its topics. Then no
    /// more is read. A line that stores more passes alone. Default 1 MiB.
    /// </summary>
    [Range(1024, 1024 * 1024 * 1024)]
    public int MaxStreamBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Time in which something must come of a publish that streams, be it an empty line, or in which its client must take a result; then it ends.
    /// Default 5 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan StreamIdleTimeout { get; set; } = TimeSpan.FromMinutes(5);
}
