using System.Globalization;

namespace SseApp.Tests.Chaos;

/// <summary>What one subscriber received of one topic, in order.</summary>
internal sealed class Receipt(NumberedTopic topic, int subscriber)
{
    private readonly List<int> _numbers = [];
    private readonly List<ToldGap> _gaps = [];
    private int _last = -1;

    public NumberedTopic Topic => topic;

    /// <summary>The newest number that came; -1 before the first.</summary>
    public int Last => Volatile.Read(ref _last);

    /// <summary>To be read when the subscriber is closed, as the next ones.</summary>
    public IReadOnlyList<ToldGap> Gaps => _gaps;

    public void Add(string data)
    {
        var number = data.AsSpan(topic.Name.Length + 1);
        var end = number.IndexOf(' ');
        _numbers.Add(int.Parse(end < 0 ? number : number[..end], NumberStyles.None, CultureInfo.InvariantCulture));
        Volatile.Write(ref _last, _numbers[^1]);
    }

    public void Add(string reason, long? from, long? to) => _gaps.Add(new ToldGap(reason, from, to, _numbers.Count));

    /// <summary>Every number once and in order, and nothing told as missing; null, or what is wrong.</summary>
    public string? FindFault()
    {
        if (_gaps.Count > 0)
        {
            return Fault($"was told {_gaps[0]}, but nothing is missing");
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
    /// Every event that the log still holds came once and in order; what did not come was lost with an older log, and the
    /// gap at its place says so, beginning right after the last event that came. Null, or what is wrong.
    /// </summary>
    public string? FindSilentFault()
    {
        var stored = topic.Stored;
        var last = -1;
        for (var i = 0; i <= _numbers.Count; i++)
        {
            var number = i < _numbers.Count ? _numbers[i] : stored.Count;
            if (number <= last)
            {
                return Fault($"got {number} after {last} ({Around(i)})");
            }

            var changed = last >= 0 && number < stored.Count && stored[number].Epoch != stored[last].Epoch;
            var gap = _gaps.FirstOrDefault(gap => gap.Numbers == i);
            if (gap is null && (changed || number != last + 1))
            {
                return Fault($"got {number} after {last} ({Around(i)}), of {Place(number)} after {Place(last)}, without being told");
            }

            if (gap is not null && (gap.From is null ? gap.Reason != "unknown-position" : last >= 0 && gap.From != stored[last].Offset + 1))
            {
                return Fault($"was told {gap} after {last}, which is stored at {Place(last)}");
            }

            for (var missing = last + 1; missing < number; missing++)
            {
                if (IsHeld(missing))
                {
                    return Fault($"misses {missing}, which the log holds at {Place(missing)}; told was {gap}");
                }
            }

            last = number;
        }

        return null;
    }

    /// <summary>
    /// One gap, at the place where the log became another one, that names the first offset after the last event of the
    /// old log; and every event of both. Null, or what is wrong.
    /// </summary>
    public string? FindFlushFault()
    {
        if (_gaps is not [{ Reason: "epoch", To: null } gap])
        {
            return Fault($"was told [{string.Join("; ", _gaps)}] instead of one change of the epoch");
        }

        var stored = topic.Stored;
        var before = gap.Numbers;
        if (before == 0 || before >= stored.Count || stored[before].Epoch == stored[before - 1].Epoch || gap.From != stored[before - 1].Offset + 1)
        {
            return Fault($"was told {gap}; the events around are stored at {stored[Math.Max(0, before - 1)]} and {stored[Math.Min(before, stored.Count - 1)]}");
        }

        _gaps.Clear();
        return FindFault();
    }

    // The newest log has it, and gave its offset to no other event.
    private bool IsHeld(int number)
    {
        var (stored, at) = (topic.Stored, topic.Stored[number]);
        return at.Epoch == stored[^1].Epoch && !stored.Skip(number + 1).Any(later => later.Epoch == at.Epoch && later.Offset <= at.Offset);
    }

    private string Place(int number) => number >= 0 && number < topic.Stored.Count ? topic.Stored[number].ToString()! : "nothing";

    private string Fault(string what) => $"Subscriber {subscriber} of {topic.Name} {what}.";

    private string Around(int index) => string.Join(' ', _numbers.Skip(Math.Max(0, index - 3)).Take(7));
}
