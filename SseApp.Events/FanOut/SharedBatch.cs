using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <summary>
/// Clients of one topic alone that keep up all get the same bytes, ids included, so these are put together once and kept
/// for those who come next.
/// </summary>
internal sealed class SharedBatch
{
    // What is in the buffer: so many events, from this one on.
    private LogEntry? _first;
    private int _count;

    /// <summary>Not all of them are events, so they have to be counted one by one.</summary>
    public bool HasGap { get; private set; }

    public SendBuffer Buffer { get; } = new(2 * StreamConnection.SendThreshold);

    /// <summary>Fills the buffer with as many of the events as one send should have, unless they are in it already.</summary>
    /// <returns>How many of them.</returns>
    public int Fill(TopicSet topics, ReadOnlySpan<LogEntry> entries)
    {
        if (_first == entries[0] && (_count == entries.Length || (_count < entries.Length && Buffer.Length >= StreamConnection.SendThreshold)))
        {
            return _count;
        }

        Buffer.Clear();
        _first = entries[0];
        _count = 0;
        HasGap = false;
        while (_count < entries.Length && Buffer.Length < StreamConnection.SendThreshold)
        {
            var entry = entries[_count++];
            HasGap |= entry.GapReason is not null;
            Buffer.AppendId(topics, [entry.Position]);
            Buffer.Append(entry.Block.Span);
        }

        return _count;
    }
}
