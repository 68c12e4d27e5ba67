using System.Text.Json;
using SseApp.Events.Log;
using SseApp.Events.Streaming;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Events.Topics;

/// <summary>
/// A client that reconnects from its last id, and checks all that it gets against what was published: the next event of
/// its epoch, or a gap that begins where it stands and names only what is really gone.
/// </summary>
internal sealed class ModelClient(HubRig rig, ScriptedTopicLog log, int slowness)
{
    private MemoryStreamWriter? _writer;
    private Func<Task>? _close;
    private int _checked;
    private string _id = "";
    private (uint Mark, long Offset) _at;

    // The newest event; null if a gap was told after it, or before the first.
    private string? _last;

    public bool IsOpen => _close is not null;

    public bool IsAtEnd
    {
        get
        {
            Check();
            // An offset alone may be that of another event.
            return (_last is null || _last == log.Newest) && _at == (log.End.Position.Epoch.Mark(PositionCodec.MarkBits(1)), log.End.Position.Offset);
        }
    }

    public async Task OpenAsync(StreamOrigin firstOrigin)
    {
        var at = new (uint Mark, long Offset)[1];
        var origin = _id.Length == 0 ? firstOrigin
            : PositionCodec.TryDecode(_id, HubRig.Topics, at) ? StreamOrigin.Live with { Positions = at }
            : throw new InvalidOperationException($"The id {_id} cannot be read.");
        (_writer, _close) = await rig.OpenAsync(origin, slowness);
        _checked = 0;
    }

    public async Task CloseAsync()
    {
        await _close!();
        Check();
        _close = null;
    }

    public void Check()
    {
        foreach (var next in _writer?.Events.Skip(_checked) ?? [])
        {
            _checked++;
            var before = _at;
            var at = new (uint Mark, long Offset)[1];
            Assert.True(PositionCodec.TryDecode(next.LastEventId, HubRig.Topics, at), $"{next} has no readable id.");
            _at = at[0];
            if (next.Type == "stream.open")
            {
                // Before the first event of a topic and before the first event of its log is the same place.
                Assert.True(_id.Length == 0 || _at == before || (before == (0, 0) && _at.Offset == 0), $"The stream opened at {_at} for a client at {before}.");
            }
            else if (next.Type == "stream.gap")
            {
                CheckGap(JsonSerializer.Deserialize<JsonElement>(next.Data), before);
            }
            else
            {
                var (position, previous) = log.Published[next.Data];
                Assert.Equal((EpochOf(_at.Mark), _at.Offset), (position.Epoch, position.Offset));
                Assert.True(_last is null || _last == previous, $"{next.Data} came after {_last}, but its log has it after {previous}.");
                _last = next.Data;
                Assert.True(
                    _at.Offset == before.Offset + 1 && (_at.Mark == before.Mark || before == (0, 0)),
                    $"{_at} came after {before} without a gap in between.");
            }

            _id = next.LastEventId;
        }
    }

    private void CheckGap(JsonElement gap, (uint Mark, long Offset) before)
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
            // A log that began and ended while the client was away is a gap between two places without a log.
            Assert.True(before.Mark != _at.Mark || _at == (0, 0), $"A change of the log from {before} to {_at}.");
            Assert.True(_at.Mark == 0 || IndexOf(_at.Mark) > IndexOf(before.Mark), "The stream went back to an older log.");
            Assert.Equal(JsonValueKind.Null, gap.GetProperty("to").ValueKind);
            Assert.True(
                _at.Offset == 0 || _at.Offset <= log.Epochs[IndexOf(_at.Mark)].Trimmed, $"The stream goes on after {_at}, but the new log holds older events.");
        }
    }

    private Epoch EpochOf(uint mark) => log.Epochs[IndexOf(mark)].Epoch;

    private int IndexOf(uint mark) => log.Epochs.FindIndex(known => known.Epoch.Mark(PositionCodec.MarkBits(1)) == mark);
}
