namespace SseApp.Bench.Generator;

/// <summary>A stream that came back.</summary>
/// <param name="EndedAt">When it had ended, in microseconds of <see cref="Payload.Now"/>.</param>
/// <param name="At">When it connected again: after the time that the server had named.</param>
internal sealed record Reconnect(long EndedAt, long At)
{
    private const long Second = 1_000_000;

    /// <summary>
    /// When those came back, in order, that ended in a time: who ended last in it comes back after it, beside those of the next process, and is not theirs.
    /// </summary>
    public static List<long> Of(IEnumerable<Reconnect> reconnects, long from, long to) =>
        [.. reconnects.Where(reconnect => reconnect.EndedAt >= from && reconnect.EndedAt < to).Select(static reconnect => reconnect.At).Order()];

    /// <summary>The most of them within any one second.</summary>
    public static int Peak(List<long> ordered)
    {
        var (peak, first) = (0, 0);
        for (var last = 0; last < ordered.Count; last++)
        {
            while (ordered[last] - ordered[first] > Second)
            {
                first++;
            }

            peak = Math.Max(peak, last - first + 1);
        }

        return peak;
    }
}
