namespace SseApp.Tests.Infrastructure;

/// <summary>Several topics, each with a scripted log of its own.</summary>
internal sealed class ScriptedTopicLogs(IReadOnlyDictionary<string, ScriptedTopicLog> logs) : ITopicLog
{
    public event EventHandler? Restored
    {
        add { }
        remove { }
    }

    public Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key = null) =>
        logs[topic].AppendAsync(topic, block, idempotencyKey, key);

    public Task<LogEnd> GetEndAsync(string topic) => logs[topic].GetEndAsync(topic);

    public Task<LogPage> ReadAsync(string topic, long after, int maxEvents, int maxBytes) => logs[topic].ReadAsync(topic, after, maxEvents, maxBytes);

    public Task<long> CountSubscribedReplicasAsync(string topic) => logs[topic].CountSubscribedReplicasAsync(topic);

    public Task<Epoch?> DeleteAsync(string topic) => logs[topic].DeleteAsync(topic);

    public Task<ErasedEvents> EraseAsync(string topic, string key) => throw new NotSupportedException();

    public Task MarkArchivedAsync(string topic, Position archived, bool dropEvents) => throw new NotSupportedException();

    public Task<long> CountUnarchivedAsync(string topic) => throw new NotSupportedException();

    public Task FenceAsync(string topic, Epoch epoch) => logs[topic].FenceAsync(topic, epoch);

    public Task<IAsyncDisposable> SubscribeAsync(string topic, Action<LogEntry> onEvent) => logs[topic].SubscribeAsync(topic, onEvent);
}
