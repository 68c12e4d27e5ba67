namespace SseApp.Gateway.AccessLog;

/// <summary>
/// What has been sent of one response. A feature of the request while the access log is on: code that writes to the
/// connection beside the response's body reports here.
/// </summary>
internal sealed class ResponseTraffic(bool stream)
{
    private EventCounter _events;
    private long _reported;

    public long Bytes { get; private set; }

    public long? Events => stream ? _events.Events + _reported : null;

    public void Add(ReadOnlySpan<byte> sent)
    {
        Bytes += sent.Length;
        if (stream)
        {
            _events.Add(sent);
        }
    }

    /// <summary>What was written beside the response's body.</summary>
    public void Add(long bytes, long events)
    {
        Bytes += bytes;
        _reported += events;
    }

    /// <summary>Bytes whose content is not at hand, as of a file that the server sends itself.</summary>
    public void Add(long count) => Bytes += count;
}
