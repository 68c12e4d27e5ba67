using SseApp.Events.Log;

namespace SseApp.Cli.Positions;

/// <summary>
/// Says to which topic an event of a stream belongs, and where in its log it stands: neither is sent, but the id has the positions of all
/// topics, and an event moves one of them.
/// </summary>
internal sealed class OffsetTracker(IEnumerable<string> topics)
{
    private readonly TopicSet _topics = new(topics);
    private MarkedPosition[]? _last;

    /// <returns>Nulls where it cannot be known: the first id of several topics.</returns>
    public (string? Topic, long? Offset) Next(string? id)
    {
        var positions = new MarkedPosition[_topics.Count];
        if (!PositionCodec.TryDecode(id, _topics, positions))
        {
            return (_topics.Count == 1 ? _topics.Names[0] : null, null);
        }

        var last = _last;
        _last = positions;
        if (_topics.Count == 1)
        {
            return (_topics.Names[0], positions[0].Offset);
        }

        if (last is null)
        {
            return (null, null);
        }

        var moved = Enumerable.Range(0, positions.Length).Where(slot => positions[slot].Offset != last[slot].Offset).ToArray();
        return moved is [var only] ? (_topics.Names[only], positions[only].Offset) : (null, null);
    }
}
