using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <summary>Where a client asks its stream to begin: exactly one of these, or nothing for the live end.</summary>
/// <param name="Positions">By topic, from the client's id: the mark of its epoch, and the last offset it has.</param>
/// <param name="Unknown">The client has an id that says nothing about these topics.</param>
/// <param name="Earliest">With the oldest event there is.</param>
/// <param name="History">That many events before the newest.</param>
/// <param name="From">With the first event that was published at or after this moment.</param>
internal sealed record ResumePoint(MarkedPosition[]? Positions, bool Unknown, bool Earliest, int History, DateTimeOffset? From)
{
    public static readonly ResumePoint Live = new(null, false, false, 0, null);

    public bool IsLive => Positions is null && !Unknown && !Earliest && History == 0 && From is null;
}
