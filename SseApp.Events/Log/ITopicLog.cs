namespace SseApp.Events.Log;

/// <summary>The durable, bounded log of each topic, and the channel that carries what is appended to it.</summary>
internal interface ITopicLog
{
    /// <summary>
    /// Appends one event and announces it on the topic's channel, in one atomic step: the order of the log is the
    /// order of the channel.
    /// </summary>
    /// <param name="topic">A valid topic name.</param>
    /// <param name="block">The event as an SSE block without its id, see <see cref="SseEncoder"/>.</param>
    /// <param name="idempotencyKey">A key whose repetition within the window stores nothing, or null.</param>
    /// <param name="key">What the event is about, see <see cref="LogEntry.Key"/>, or null.</param>
    /// <exception cref="StackExchange.Redis.RedisException">Not stored; <see cref="RedisErrors.IsFull"/>: there is no room.</exception>
    /// <exception cref="StackExchange.Redis.RedisTimeoutException">No answer: it may or may not be stored.</exception>
    Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key = null);

    /// <summary>The newest event: the cheapest way to see whether something was missed.</summary>
    Task<LogEnd> GetEndAsync(string topic);

    /// <summary>
    /// Reads events after an offset. Range, epoch and events are of one moment.
    /// </summary>
    /// <param name="topic">A valid topic name.</param>
    /// <param name="after">0 or more; what the log no longer holds is left out, see <see cref="LogPage.First"/>.</param>
    /// <param name="maxEvents">Most events to read; 0 to see only what the log holds.</param>
    /// <param name="maxBytes">Most bytes to read; one event is read whatever its size.</param>
    Task<LogPage> ReadAsync(string topic, long after, int maxEvents, int maxBytes);

    /// <summary>Drops the log and announces that to all subscribers.</summary>
    /// <returns>Its epoch, the default for what was no log of this version; null when there was none.</returns>
    Task<Epoch?> DeleteAsync(string topic);

    /// <summary>
    /// Takes data and key of the events with this key, and leaves tombstones in their places (<see cref="LogEntry.IsTombstone"/>);
    /// announces that to all subscribers.
    /// </summary>
    /// <returns>The newest event when it began, and how many were erased.</returns>
    Task<ErasedEvents> EraseAsync(string topic, string key);

    /// <summary>Notes up to where the archive has the log; no effect when the log is another one by now.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="archived">The last event that is archived.</param>
    /// <param name="dropEvents">Lets all events go that Redis holds, if the archive has them.</param>
    Task MarkArchivedAsync(string topic, Position archived, bool dropEvents);

    /// <summary>How many of the log's events are not noted as archived.</summary>
    Task<long> CountUnarchivedAsync(string topic);

    /// <summary>
    /// Drops the log if it is still of this epoch. For a log that lost its newest events, as after a failover to a
    /// replica that had not got them: it would give offsets that subscribers have seen to other events.
    /// </summary>
    Task FenceAsync(string topic, Epoch epoch);

    /// <summary>How many connections are subscribed to the topic's channel, on all nodes together.</summary>
    Task<long> CountSubscribedReplicasAsync(string topic);

    /// <summary>Raised when channels may have lost messages and are subscribed to again.</summary>
    event EventHandler? Restored;

    /// <summary>
    /// Subscribes to the topic's channel. <paramref name="onEvent"/> is called in channel order, one call at a time
    /// except while the channel becomes one of another kind,
    /// until the subscription is disposed; what is published while Redis is unreachable does not come.
    /// </summary>
    /// <returns>Unsubscribes when it is disposed.</returns>
    Task<IAsyncDisposable> SubscribeAsync(string topic, Action<LogEntry> onEvent);
}
