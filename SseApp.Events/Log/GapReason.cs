namespace SseApp.Events.Log;

/// <summary>Why events are missing; in <c>stream.gap</c> and in the metric's label <c>reason</c>.</summary>
internal static class GapReason
{
    /// <summary>The log no longer holds them.</summary>
    public const string Expired = "expired";

    /// <summary>The log they were in is gone: deleted, flushed, or lost by Redis.</summary>
    public const string Epoch = "epoch";

    /// <summary>The client's id says nothing about this topic.</summary>
    public const string UnknownPosition = "unknown-position";

    /// <summary>The client read too slowly.</summary>
    public const string Overflow = "overflow";

    public static readonly string[] All = [Expired, Epoch, UnknownPosition, Overflow];
}
