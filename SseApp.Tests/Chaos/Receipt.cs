namespace SseApp.Tests.Chaos;

/// <summary>What one subscriber received of one topic, in order.</summary>
internal sealed class Receipt(NumberedTopic topic, int subscriber)
{
    private readonly List<int> _numbers = [];
    private readonly List<long> _at = [];
    private readonly List<ReportedGap> _gaps = [];
    private int _last = -1;

    public NumberedTopic Topic => topic;

    /// <summary>The same with the positions; null if they were not kept.</summary>
    public Trail? Trail { get; init; }

    /// <summary>The newest gap.</summary>
    public ReportedGap LastGap => _gaps[^1];

    /// <summary>The newest number that came; -1 before the first.</summary>
    public int Last => Volatile.Read(ref _last);

    /// <summary>To be read when the subscriber is closed, as the next ones.</summary>
    public IReadOnlyList<ReportedGap> Gaps => _gaps;

    public void Add(string data)
    {
        var number = data.AsSpan(topic.Name.Length + 1);
        var end = number.IndexOf(' ');
        _numbers.Add(int.Parse(end < 0 ? number : number[..end], NumberStyles.None, CultureInfo.InvariantCulture));
        _at.Add(Stopwatch.GetTimestamp());
        Volatile.Write(ref _last, _numbers[^1]);
    }

    /// <summary>Milliseconds from the begin of publishing to the arrival, of the events whose publishing began in this time.</summary>
    public IEnumerable<double> Delays(long from, long to) =>
        _numbers.Zip(_at)
            .Where(pair => topic.Begun[pair.First] >= from && topic.Begun[pair.First] < to)
            .Select(pair => Stopwatch.GetElapsedTime(topic.Begun[pair.First], pair.Second).TotalMilliseconds);

    public void Add(string reason, long? from, long? to) => _gaps.Add(new ReportedGap(reason, from, to, _numbers.Count));

    /// <summary>Every number once and in order, and nothing reported as missing; null, or what is wrong.</summary>
    public string? FindFault()
    {
        if (_gaps.Count > 0)
        {
            return Fault($"got the gap {_gaps[0]}, but nothing is missing");
        }

        for (var i = 0; i < _numbers.Count; i++)
        {
            if (_numbers[i] != i)
            {
                return Fault($"got {_numbers[i]} in place of {i} ({Around(i)})");
            }
        }

        return _numbers.Count == topic.Stored.Count ? null : Fault($"got {_numbers.Count} of {topic.Stored.Count}");
    }

    /// <summary>
    /// Every number, in order, where a server may deliver an event and lose it in a crash before it has confirmed it: its
    /// publisher sends it again, so it comes once more. Null, or what is wrong.
    /// </summary>
    public string? FindLoss()
    {
        var next = 0;
        foreach (var number in _numbers)
        {
            if (number > next)
            {
                return Fault($"got {number} in place of {next}");
            }

            next = Math.Max(next, number + 1);
        }

        return next == topic.Stored.Count ? null : Fault($"got {next} of {topic.Stored.Count}");
    }

    /// <summary>What is wrong by the positions of the events, or null; see <see cref="Trail.FindFault"/>.</summary>
    public string? FindSilentFault() => Trail?.FindFault(topic.Stored) is { } fault ? Fault(fault) : null;

    /// <summary>
    /// One gap, at the place where the log became another one, that names the first offset after the last event of the
    /// old log; and every event of both. Null, or what is wrong.
    /// </summary>
    public string? FindFlushFault()
    {
        if (_gaps is not [{ Reason: "epoch", To: null } gap])
        {
            return Fault($"got the gaps [{string.Join("; ", _gaps)}] instead of one change of the epoch");
        }

        var stored = topic.Stored;
        var before = gap.Numbers;
        if (before == 0 || before >= stored.Count || stored[before].Epoch == stored[before - 1].Epoch || gap.From != stored[before - 1].Offset + 1)
        {
            return Fault($"got the gap {gap}; the events around are stored at {stored[Math.Max(0, before - 1)]} and {stored[Math.Min(before, stored.Count - 1)]}");
        }

        _gaps.Clear();
        return FindFault();
    }

    private string Fault(string what) => $"Subscriber {subscriber} of {topic.Name} {what}.";

    private string Around(int index) => string.Join(' ', _numbers.Skip(Math.Max(0, index - 3)).Take(7));
}

/// <summary>A <c>stream.gap</c> as a subscriber got it.</summary>
/// <param name="Reason">As sent.</param>
/// <param name="From">First missing offset, if reported.</param>
/// <param name="To">Last missing offset, if reported.</param>
/// <param name="Numbers">How many events had come before it.</param>
internal sealed record ReportedGap(string Reason, long? From, long? To, int Numbers);
