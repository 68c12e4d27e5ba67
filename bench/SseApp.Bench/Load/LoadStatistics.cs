using System.Diagnostics;
using HdrHistogram;

namespace SseApp.Bench.Load;

/// <summary>What the streams saw. Sequence numbers of a topic begin at 1 and have no holes.</summary>
internal sealed class LoadStatistics
{
    // 1 µs to 60 s, three significant digits.
    private readonly IntConcurrentHistogram _latency = new(1, 60_000_000, 3);
    private long _delivered;
    private long _lost;
    private long _repeated;
    private long _open;
    private long _ended;
    private string? _firstFailure;

    public long Delivered => Interlocked.Read(ref _delivered);

    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Events with a number not above the last one: duplicates and reorderings.</summary>
    public long Repeated => Interlocked.Read(ref _repeated);

    /// <summary>Streams that have had their <c>stream.open</c>.</summary>
    public long Open => Interlocked.Read(ref _open);

    /// <summary>Streams that the server ended or refused.</summary>
    public long Ended => Interlocked.Read(ref _ended);

    public void Opened() => Interlocked.Increment(ref _open);

    /// <summary>Why the first stream broke that did; null when none did.</summary>
    public string? FirstFailure => _firstFailure;

    public void StreamEnded(string? failure = null)
    {
        Interlocked.Increment(ref _ended);
        if (failure is not null)
        {
            Interlocked.CompareExchange(ref _firstFailure, failure, null);
        }
    }

    /// <summary>Counts one event; returns the last number seen by this stream from now on.</summary>
    public long Received(long sequence, long timestamp, long last)
    {
        Interlocked.Increment(ref _delivered);
        _latency.RecordValue(Math.Clamp((long)Stopwatch.GetElapsedTime(timestamp).TotalMicroseconds, 1, 60_000_000));
        if (sequence <= last)
        {
            Interlocked.Increment(ref _repeated);
            return last;
        }

        Interlocked.Add(ref _lost, sequence - last - 1);
        return sequence;
    }

    /// <summary>Events that a stream never got although they were accepted.</summary>
    public void Missing(long count) => Interlocked.Add(ref _lost, count);

    public double LatencyMilliseconds(double percentile) => _latency.GetValueAtPercentile(percentile) / 1000d;
}
