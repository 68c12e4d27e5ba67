using System.Threading.Channels;

namespace SseApp.Tests.Infrastructure;

/// <summary>A stream of events on an <see cref="Http2Client"/>; while it does not read, its window is not opened again.</summary>
internal sealed class Http2Stream(Http2Client client, int id, bool reads)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly SseParser _parser = new();
    private readonly Channel<SseEvent> _events = Channel.CreateUnbounded<SseEvent>();
    private readonly Lock _gate = new();
    private bool _reads = reads;
    private int _owed;

    /// <summary>The id that an EventSource would reconnect with.</summary>
    public string LastEventId { get; private set; } = "";

    /// <summary>Opens the window for what has come, and from now on for what comes.</summary>
    public Task ResumeAsync()
    {
        int owed;
        lock (_gate)
        {
            _reads = true;
            (owed, _owed) = (_owed, 0);
        }

        return owed > 0 ? client.SendWindowAsync(id, owed) : Task.CompletedTask;
    }

    /// <summary>The next event, comments left out; null when the server ended the stream cleanly.</summary>
    /// <exception cref="Http2StreamResetException">The server reset it.</exception>
    public async Task<SseEvent?> NextAsync()
    {
        while (await _events.Reader.WaitToReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(s_limit, TimeProvider.System))
        {
            if (_events.Reader.TryRead(out var next) && next.Type != ":")
            {
                LastEventId = next.LastEventId;
                return next;
            }
        }

        return null;
    }

    public async Task TakeAsync(byte[] data)
    {
        foreach (var next in _parser.Feed(data))
        {
            _events.Writer.TryWrite(next);
        }

        lock (_gate)
        {
            if (!_reads)
            {
                _owed += data.Length;
                return;
            }
        }

        if (data.Length > 0)
        {
            await client.SendWindowAsync(id, data.Length);
        }
    }

    public void Complete(Exception? exception) => _events.Writer.TryComplete(exception);
}

/// <summary>The server reset a stream.</summary>
internal sealed class Http2StreamResetException(int code) : IOException($"The stream was reset with code {code}.");
