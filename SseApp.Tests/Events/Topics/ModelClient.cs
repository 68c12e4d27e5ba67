using SseApp.Events.Topics;

namespace SseApp.Tests.Events.Topics;

/// <summary>A client of several topics that reconnects from its last id, and checks all that it gets, topic by topic.</summary>
/// <param name="rig">The server.</param>
/// <param name="topics">Of the stream.</param>
/// <param name="logs">Of each topic.</param>
/// <param name="slowness">See <see cref="MemoryStreamWriter"/>.</param>
internal sealed class ModelClient(HubRig rig, TopicSet topics, ScriptedTopicLog[] logs, int slowness)
{
    private readonly ModelPlace[] _places = Array.ConvertAll(logs, log => new ModelPlace(log, PositionCodec.MarkBits(logs.Length)));
    private MemoryStreamWriter? _writer;
    private Func<Task>? _close;
    private int _checked;
    private string _id = "";

    public bool IsOpen => _close is not null;

    public bool IsAtEnd
    {
        get
        {
            Check();
            return _places.All(place => place.IsAtEnd);
        }
    }

    public async Task OpenAsync(ResumePoint firstOrigin)
    {
        var origin = _id.Length == 0 ? firstOrigin : ResumePoint.Live with { Positions = Decode(_id) };
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
            var at = Decode(next.LastEventId);
            if (next.Type == "stream.open")
            {
                for (var i = 0; i < at.Length; i++)
                {
                    _places[i].Open(at[i], isFirst: _id.Length == 0);
                }
            }
            else
            {
                var changed = next.Type == "stream.gap"
                    ? Array.IndexOf(topics.Names, JsonSerializer.Deserialize<JsonElement>(next.Data).GetProperty("topic").GetString())
                    : Array.FindIndex(logs, log => log.Published.ContainsKey(next.Data));
                Assert.True(changed >= 0, $"{next} is of no topic of this stream.");
                for (var i = 0; i < at.Length; i++)
                {
                    _places[i].Move(at[i], i == changed ? next : null);
                }
            }

            _id = next.LastEventId;
        }
    }

    private MarkedPosition[] Decode(string id)
    {
        var at = new MarkedPosition[topics.Count];
        Assert.True(PositionCodec.TryDecode(id, topics, at), $"The id '{id}' cannot be read.");
        return at;
    }
}
