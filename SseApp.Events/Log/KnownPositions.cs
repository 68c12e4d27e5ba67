using System.Collections.Concurrent;

namespace SseApp.Events.Log;

/// <summary>
/// The newest event of each topic that this replica stored. It goes along with the next publish, so that a server which
/// lost that event is found out in the same step.
/// </summary>
internal sealed class KnownPositions
{
    // Topics come and go; what is forgotten only makes the check of one publish void.
    private const int MaxTopics = 100_000;

    private readonly ConcurrentDictionary<string, Position> _positions = new(StringComparer.Ordinal);
    private int _count;

    public Position Find(string topic) => _positions.GetValueOrDefault(topic);

    public void Remember(string topic, Position position)
    {
        if (_positions.TryGetValue(topic, out var known))
        {
            // Answers to publishes sent side by side come in order; one that is late must not take the mark back.
            if (known.Epoch != position.Epoch || known.Offset < position.Offset)
            {
                _positions[topic] = position;
            }
        }
        else if (_positions.TryAdd(topic, position) && Interlocked.Increment(ref _count) > MaxTopics)
        {
            _positions.Clear();
            Interlocked.Exchange(ref _count, 0);
        }
    }
}
