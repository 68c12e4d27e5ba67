namespace SseApp.Events.FanOut;

/// <summary>A writer that shares its output with others of the same shard.</summary>
internal interface IShardWriter : IStreamWriter
{
    /// <summary>The shard that the connection must belong to.</summary>
    int ShardIndex { get; }
}
