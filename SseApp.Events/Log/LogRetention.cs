namespace SseApp.Events.Log;

/// <summary>What is kept of a topic in Redis.</summary>
/// <param name="MaxEvents">Events in its log.</param>
/// <param name="MaxBytes">Bytes in its log; 0: no limit.</param>
/// <param name="IdleExpiry">Without a publish for so long it has no log any more.</param>
/// <param name="IsArchived">Events stay, up to a bound, until the archive has them.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogRetention(int MaxEvents, long MaxBytes, TimeSpan IdleExpiry, bool IsArchived)
{
    /// <summary>Of an archived topic: without a publish for so long its events are in the archive alone.</summary>
    public TimeSpan ListExpiry { get; init; } = IdleExpiry;
}
