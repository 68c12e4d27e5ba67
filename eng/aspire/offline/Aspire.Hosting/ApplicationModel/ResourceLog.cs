using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The console log of one resource id: a bounded backlog and its readers.</summary>
internal sealed class ResourceLog(string name, Action<LogSubscriber> subscribersChanged)
{
    internal const int Capacity = 10_000;

    private readonly Lock _lock = new();
    private readonly Queue<LogLine> _backlog = [];
    private readonly List<Channel<LogLine>> _readers = [];
    private int _lineNumber;
    private bool _completed;

    public string Name { get; } = name;

    public bool HasSubscribers
    {
        get
        {
            lock (_lock)
            {
                return _readers.Count > 0;
            }
        }
    }

    public void Append(DateTimeOffset? timestamp, string content, bool isErrorMessage)
    {
        // The dashboard takes a leading ISO 8601 time off the line and shows it in a column of its own.
        var text = timestamp is { } time
            ? $"{time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)} {content}"
            : content;

        lock (_lock)
        {
            var line = new LogLine(++_lineNumber, text, isErrorMessage);
            if (_backlog.Count == Capacity)
            {
                _backlog.Dequeue();
            }

            _backlog.Enqueue(line);
            foreach (var reader in _readers)
            {
                reader.Writer.TryWrite(line);
            }
        }
    }

    public IReadOnlyList<LogLine> Read()
    {
        lock (_lock)
        {
            return [.. _backlog];
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _backlog.Clear();
            _lineNumber = 0;
            _completed = false;
        }
    }

    public void Complete()
    {
        lock (_lock)
        {
            _completed = true;
            foreach (var reader in _readers)
            {
                reader.Writer.TryComplete();
            }
        }
    }

    public async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<LogLine>();
        var first = false;
        LogLine[] backlog;
        lock (_lock)
        {
            backlog = [.. _backlog];
            _readers.Add(channel);
            first = _readers.Count == 1;
            if (_completed)
            {
                channel.Writer.TryComplete();
            }
        }

        if (first)
        {
            subscribersChanged(new LogSubscriber(Name, AnySubscribers: true));
        }

        try
        {
            if (backlog.Length > 0)
            {
                yield return backlog;
            }

            while (await channel.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                var batch = new List<LogLine>();
                while (channel.Reader.TryRead(out var line))
                {
                    batch.Add(line);
                }

                if (batch.Count > 0)
                {
                    yield return batch;
                }
            }
        }
        finally
        {
            var last = false;
            lock (_lock)
            {
                _readers.Remove(channel);
                last = _readers.Count == 0;
            }

            if (last)
            {
                subscribersChanged(new LogSubscriber(Name, AnySubscribers: false));
            }
        }
    }
}
