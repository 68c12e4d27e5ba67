using System.Collections.Concurrent;

namespace SseApp.Events.Log;

/// <summary>
/// The newest event of each topic that this replica stored. It goes along with the next publish, so that a server which
/// lost that event is found out in the same step.
/// </summary>
internal sealed class KnownTopics
{
    // Topics come and go; what is forgotten only makes the check of one publish void.
    private const int MaxTopics = 100_000;

    private readonly ConcurrentDictionary<string, KnownTopic> _topics = new(StringComparer.Ordinal);
    private int _count;

    public KnownTopic Find(string topic) => _topics.GetValueOrDefault(topic);

    /// <param name="topic">The topic.</param>
    /// <param name="stored">An event of it that was stored.</param>
    /// <param name="expirySetAt">When its publish set the expiry; 0 if it did not.</param>
    public void Remember(string topic, Position stored, long expirySetAt)
    {
        if (_topics.TryGetValue(topic, out var known))
        {
            // Answers to publishes sent side by side come in order; one that is late must not take the mark back.
            var newest = known.Newest.Epoch != stored.Epoch || known.Newest.Offset < stored.Offset ? stored : known.Newest;
            _topics[topic] = new KnownTopic(newest, Math.Max(known.ExpirySetAt, expirySetAt));
        }
        else if (_topics.TryAdd(topic, new KnownTopic(stored, expirySetAt)) && Interlocked.Increment(ref _count) > MaxTopics)
        {
            _topics.Clear();
            Interlocked.Exchange(ref _count, 0);
        }
    }
}

/// <summary>What this replica knows of a topic's log from its own publishes.</summary>
/// <param name="Newest">The newest event that was stored.</param>
/// <param name="ExpirySetAt">When the log's expiry was set, a timestamp of the TimeProvider; 0 for never.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct KnownTopic(Position Newest, long ExpirySetAt);
