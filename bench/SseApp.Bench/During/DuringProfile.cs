namespace SseApp.Bench.During;

/// <summary>What the generator did in each second: a reason for a second with many reconnects.</summary>
internal sealed class DuringProfile(LoadLoop loop)
{
    private const int Second = 1_000_000;

    private readonly List<(long At, long Delivered, long LongestRound)> _seconds = [];
    private long _began;
    private long _last;
    private long _longest;

    /// <summary>To be called in each round of the loop, which waits 20 ms at most.</summary>
    public void Round(long now)
    {
        _began = _began == 0 ? now : _began;
        _longest = Math.Max(_longest, _last == 0 ? 0 : now - _last);
        _last = now;
        if (now - _began >= Second)
        {
            _seconds.Add((_began, loop.Tally.Delivered, _longest));
            (_began, _longest) = (now, 0);
        }
    }

    /// <summary>Microseconds.</summary>
    public long LongestRound(long from, long to) =>
        _seconds.Where(second => second.At < to && second.At + Second > from).Select(second => second.LongestRound).DefaultIfEmpty().Max();

    /// <param name="reconnects">Those of a step, in order; the last ones come when it is over.</param>
    /// <param name="from">The begin of the step.</param>
    public void Write(List<long> reconnects, long from)
    {
        var to = reconnects[^1];
        for (var i = 0; i < _seconds.Count; i++)
        {
            var (at, delivered, longest) = _seconds[i];
            if (at >= from && at <= to)
            {
                var end = i + 1 < _seconds.Count ? _seconds[i + 1].At : to + 1;
                AnsiConsole.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"    {(at - from) / (double)Second,5:0.0} s: {reconnects.Count(moment => moment >= at && moment < end)} reconnects, {delivered - (i == 0 ? 0 : _seconds[i - 1].Delivered)} deliveries, generator at most {longest / 1000} ms behind"));
            }
        }
    }
}
