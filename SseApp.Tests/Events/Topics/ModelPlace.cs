namespace SseApp.Tests.Events.Topics;

/// <summary>
/// Where a client is in one topic. Checks each step against what was published: the next event of its epoch, or a gap
/// that begins where it stands and names only what is really gone.
/// </summary>
internal sealed class ModelPlace(ScriptedTopicLog log, int markBits)
{
    private MarkedPosition _at;

    // The newest event; null if a gap was reported after it, or before the first.
    private string? _last;

    // An offset alone may be that of another event.
    public bool IsAtEnd => (_last is null || _last == log.Newest) && _at == new MarkedPosition(log.End.Position.Epoch.Mark(markBits), log.End.Position.Offset);

    public void Open(MarkedPosition at, bool isFirst)
    {
        // Before the first event of a topic and before the first event of its log is the same place.
        Assert.True(isFirst || at == _at || (_at == default && at.Offset == 0), $"The stream opened at {at} for a client at {_at}.");
        _at = at;
    }

    /// <param name="at">What the id says of this topic.</param>
    /// <param name="cause">The event or gap of this topic, or null if it is another topic's.</param>
    public void Move(MarkedPosition at, SseEvent? cause)
    {
        var before = _at;
        _at = at;
        if (cause is null)
        {
            Assert.Equal(before, at);
        }
        else if (cause.Type == "stream.gap")
        {
            CheckGap(JsonSerializer.Deserialize<JsonElement>(cause.Data), before);
        }
        else
        {
            var (position, previous) = log.Published[cause.Data];
            Assert.Equal((EpochOf(at.Mark), at.Offset), (position.Epoch, position.Offset));
            Assert.True(_last is null || _last == previous, $"{cause.Data} came after {_last}, but its log has it after {previous}.");
            _last = cause.Data;
            Assert.True(
                at.Offset == before.Offset + 1 && (at.Mark == before.Mark || before == default), $"{at} came after {before} without a gap in between.");
        }
    }

    private void CheckGap(JsonElement gap, MarkedPosition before)
    {
        _last = null;
        Assert.Equal(before.Offset + 1, gap.GetProperty("from").GetInt64());
        if (gap.GetProperty("reason").GetString() == GapReason.Expired)
        {
            Assert.Equal(_at.Offset, gap.GetProperty("to").GetInt64());
            Assert.True(_at.Offset <= log.Epochs.Single(known => known.Epoch == EpochOf(_at.Mark)).Trimmed, $"A gap to {_at}, but that is still in the log.");
        }
        else
        {
            Assert.Equal(GapReason.Epoch, gap.GetProperty("reason").GetString());
            // A log that began and ended while the client was disconnected is a gap between two places without a log.
            Assert.True(before.Mark != _at.Mark || _at == default, $"A change of the log from {before} to {_at}.");
            Assert.True(_at.Mark == 0 || IndexOf(_at.Mark) > IndexOf(before.Mark), "The stream went back to an older log.");
            Assert.Equal(JsonValueKind.Null, gap.GetProperty("to").ValueKind);
            Assert.True(
                _at.Offset == 0 || _at.Offset <= log.Epochs[IndexOf(_at.Mark)].Trimmed, $"The stream goes on after {_at}, but the new log holds older events.");
        }
    }

    private Epoch EpochOf(uint mark) => log.Epochs[IndexOf(mark)].Epoch;

    private int IndexOf(uint mark) => log.Epochs.FindIndex(known => known.Epoch.Mark(markBits) == mark);
}
