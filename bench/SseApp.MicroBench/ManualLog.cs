using SseApp.Events.Log;

namespace SseApp.MicroBench;

/// <summary>An empty log whose channel carries what it is given.</summary>
internal sealed class ManualLog : ITopicLog
{
    private Action<LogEntry>? _onEvent;

    public event EventHandler? Restored
    {
        add { }
        remove { }
    }

    public static Epoch Epoch { get; } = new(42);

    public void Carry(LogEntry entry) => _onEvent!(entry);

    public Task<LogEnd> GetEndAsync(string topic) => Task.FromResult(new LogEnd(new Position(Epoch, 0), 0));

    public Task<IAsyncDisposable> SubscribeAsync(string topic, Action<LogEntry> onEvent)
    {
        _onEvent = onEvent;
        return Task.FromResult<IAsyncDisposable>(new Subscription());
    }

    public Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key = null) => throw new NotSupportedException();

    public Task<LogPage> ReadAsync(string topic, long after, int maxEvents, int maxBytes) =>
        Task.FromResult(new LogPage(1, new LogEnd(new Position(Epoch, 0), 0), []));

    public Task<Epoch?> DeleteAsync(string topic) => throw new NotSupportedException();

    public Task<ErasedEvents> EraseAsync(string topic, string key) => throw new NotSupportedException();

    public Task MarkArchivedAsync(string topic, Position archived, bool dropEvents) => throw new NotSupportedException();

    public Task<long> CountUnarchivedAsync(string topic) => throw new NotSupportedException();

    public Task FenceAsync(string topic, Epoch epoch) => throw new NotSupportedException();

    public Task<long> CountSubscribedReplicasAsync(string topic) => throw new NotSupportedException();

    private sealed class Subscription : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
