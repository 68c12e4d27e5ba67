namespace SseApp.Tests.Infrastructure;

/// <summary>
/// The parsing rules of https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation,
/// written from the standard and not from our encoder. Fed with chunks cut anywhere.
/// </summary>
public sealed class SseParser
{
    private readonly List<byte> _line = [];
    private readonly StringBuilder _data = new();
    private string _type = "";
    private string _idBuffer = "";
    private bool _afterCr;
    private bool _first = true;

    public string LastEventId { get; private set; } = "";

    public int? Retry { get; private set; }

    /// <summary>Blank lines met: each sets the last event id, with or without an event.</summary>
    public int Blocks { get; private set; }

    public IReadOnlyList<SseEvent> Feed(ReadOnlySpan<byte> chunk)
    {
        var events = new List<SseEvent>();
        foreach (var b in chunk)
        {
            if (b == '\n' && _afterCr)
            {
                _afterCr = false;
                continue;
            }

            _afterCr = b == '\r';
            if (b is (byte)'\r' or (byte)'\n')
            {
                EndLine(events);
            }
            else
            {
                _line.Add(b);
            }
        }

        return events;
    }

    private void EndLine(List<SseEvent> events)
    {
        var line = Encoding.UTF8.GetString([.. _line]);
        _line.Clear();
        if (_first)
        {
            _first = false;
            line = line.StartsWith('\uFEFF') ? line[1..] : line;
        }

        if (line.Length == 0)
        {
            Dispatch(events);
            return;
        }

        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon == 0)
        {
            events.Add(new SseEvent(":", line[1..], LastEventId));
            return;
        }

        var field = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? "" : line[(colon + 1)..];
        value = value.StartsWith(' ') ? value[1..] : value;
        switch (field)
        {
            case "event":
                _type = value;
                break;
            case "data":
                _data.Append(value).Append('\n');
                break;
            case "id" when !value.Contains('\0', StringComparison.Ordinal):
                _idBuffer = value;
                break;
            case "retry" when value.Length > 0 && value.All(char.IsAsciiDigit):
                Retry = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
                break;
        }
    }

    private void Dispatch(List<SseEvent> events)
    {
        LastEventId = _idBuffer;
        Blocks++;
        if (_data.Length > 0)
        {
            _data.Length--;
            events.Add(new SseEvent(_type.Length == 0 ? "message" : _type, _data.ToString(), LastEventId));
        }

        _data.Clear();
        _type = "";
    }
}

/// <summary>An event as a native EventSource would dispatch it; comments come as type <c>:</c>.</summary>
public sealed record SseEvent(string Type, string Data, string LastEventId);
