namespace SseApp.Events.FanOut;

/// <summary>Bytes in all backlogs of one shard; touched only by the shard's loop.</summary>
internal sealed class BacklogTotal
{
    public long Bytes { get; set; }
}
