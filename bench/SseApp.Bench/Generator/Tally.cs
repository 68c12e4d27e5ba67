using HdrHistogram;

namespace SseApp.Bench.Generator;

/// <summary>What all streams of a measurement saw. Used by the one thread of the loop.</summary>
internal sealed class Tally
{
    // 1 µs to 60 s, three significant digits.
    private readonly LongHistogram _latency = new(1, 60_000_000, 3);
    private readonly LongHistogram _publishes = new(1, 60_000_000, 3);

    private readonly LongHistogram _openings = new(1, 120_000_000, 3);

    public long Delivered { get; set; }

    public long Lost { get; set; }

    public long Duplicates { get; set; }

    public long Reordered { get; set; }

    /// <summary>Gaps that the server reported in band (<c>stream.gap</c>).</summary>
    public long GapsTold { get; set; }

    /// <summary>Streams that ended although nobody asked them to.</summary>
    public long Ended { get; set; }

    /// <summary>Streams answered by a status that closes an EventSource for ever.</summary>
    public long Closed { get; set; }

    /// <summary>Streams that were told in band that they are not taken (<c>stream.unavailable</c>).</summary>
    public long TurnedAway { get; set; }

    /// <summary>Streams that ended without the end of their response: a reset, or a bare end of the connection.</summary>
    public long Broken { get; set; }

    /// <summary>Connections that found nobody at an address of several, or one that stops; the next one was tried.</summary>
    public long Refused { get; set; }

    /// <summary>Of these, the ones that had no answer for seconds.</summary>
    public long Unanswered { get; set; }

    public long PublishFailures => NotConfirmed.Count;

    /// <summary>When a publish failed, in microseconds of <see cref="Payload.Now"/>, and how.</summary>
    public List<(long At, string Failure)> NotConfirmed { get; } = [];

    /// <summary>The first failure in words, for the report.</summary>
    public string? FirstFailure { get; set; }

    public void Record(long microseconds) => _latency.RecordValue(Math.Clamp(microseconds, 1, 60_000_000));

    /// <summary>Milliseconds.</summary>
    public double Latency(double percentile) => _latency.TotalCount == 0 ? 0 : _latency.GetValueAtPercentile(percentile) / 1000d;

    /// <summary>How long a publish request had no answer.</summary>
    public void RecordPublish(long microseconds) => _publishes.RecordValue(Math.Clamp(microseconds, 1, 60_000_000));

    /// <summary>Milliseconds from a publish request to its answer.</summary>
    public double PublishLatency(double percentile) => _publishes.TotalCount == 0 ? 0 : _publishes.GetValueAtPercentile(percentile) / 1000d;

    /// <summary>How long a stream was not whole.</summary>
    public void RecordOpening(long microseconds) => _openings.RecordValue(Math.Clamp(microseconds, 1, 120_000_000));

    /// <summary>Milliseconds from connecting to having all that was missed.</summary>
    public double Opening(double percentile) => _openings.TotalCount == 0 ? 0 : _openings.GetValueAtPercentile(percentile) / 1000d;

    public void ResetLatency()
    {
        _openings.Reset();
        _latency.Reset();
        _publishes.Reset();
    }
}
