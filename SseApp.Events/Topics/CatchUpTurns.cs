using SseApp.Events.FanOut;

namespace SseApp.Events.Topics;

/// <summary>
/// Lets a topic catch up with its log only when every shard has room for events, and few topics at a time: what all of
/// them may read at once would be more than the room.
/// </summary>
internal sealed class CatchUpTurns(ShardSet shards) : IDisposable
{
    // Each posts a page, 1 000 events at most. A read takes about a millisecond, so this many keep Redis busy.
    private const int MaxTurns = 16;

    private readonly SemaphoreSlim _turns = new(MaxTurns);

    /// <summary>Waits for a turn and for room; <see cref="Leave"/> must follow when the events are posted.</summary>
    /// <exception cref="OperationCanceledException">There is nothing to leave.</exception>
    public async Task EnterAsync(CancellationToken cancellationToken)
    {
        await _turns.WaitAsync(cancellationToken);
        try
        {
            foreach (var shard in shards.All)
            {
                await shard.Room.WaitAsync().WaitAsync(cancellationToken);
            }
        }
        catch
        {
            Leave();
            throw;
        }
    }

    public void Leave() => _turns.Release();

    public void Dispose() => _turns.Dispose();
}
