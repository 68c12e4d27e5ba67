namespace SseApp.Events.Relay;

/// <summary>Section <c>Relay</c>: connections from gateways that carry many streams each.</summary>
internal sealed class RelayOptions
{
    public const string SectionName = "Relay";

    /// <summary>Accept such connections, and announce that in the registry. Default true; otherwise each stream and each publish is a request of its own.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// How much may be on its way to a gateway: bytes, and 64 for each delivery. What is beyond it waits here and goes
    /// out in larger pieces. 4 KiB to 64 MiB; default 256 KiB.
    /// </summary>
    [Range(4L * 1024, 64L * 1024 * 1024)]
    public long Window { get; set; } = 256 * 1024;

    /// <summary>
    /// Streams that one connection may carry. A gateway learns the number and opens another one when it is full; one that does
    /// not gets a refusal for each stream beyond. 1 to 1 000 000; default 10 000.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxStreamsPerConnection { get; set; } = 10_000;

    /// <summary>
    /// Publishes that may be under way on one connection. A gateway learns the number and sends what is beyond it as requests of their own. 0 lets each
    /// publish be one; up to 100 000; default 1 000.
    /// </summary>
    [Range(0, 100_000)]
    public int MaxRequestsPerConnection { get; set; } = 1_000;
}
