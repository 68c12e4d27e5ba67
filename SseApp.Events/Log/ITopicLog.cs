namespace SseApp.Events.Log;

/// <summary>The durable, bounded log of each topic, and the channel that carries what is appended to it.</summary>
internal interface ITopicLog
{
    /// <summary>
    /// Appends one event and announces it on the topic's channel, in one atomic step: the order of the log is the
    /// order of the channel.
    /// </summary>
    /// <param name="topic">A valid topic name.</param>
    /// <param name="block">The event as an SSE block without its id, see <see cref="Streaming.SseEncoder"/>.</param>
    /// <param name="idempotencyKey">A key whose repetition within the window stores nothing, or null.</param>
    /// <exception cref="StackExchange.Redis.RedisException">Not stored.</exception>
    /// <exception cref="StackExchange.Redis.RedisTimeoutException">No answer: it may or may not be stored.</exception>
    Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey);

    /// <summary>The range of offsets that the log holds; <c>Last</c> is 0 for a topic without a log.</summary>
    Task<LogRange> GetRangeAsync(string topic);

    /// <summary>
    /// Subscribes to the topic's channel. <paramref name="onEvent"/> is called in channel order, one call at a time,
    /// until the subscription is disposed; what is published while Redis is unreachable does not come.
    /// </summary>
    Task<ITopicSubscription> SubscribeAsync(string topic, Action<LogEntry> onEvent);
}
