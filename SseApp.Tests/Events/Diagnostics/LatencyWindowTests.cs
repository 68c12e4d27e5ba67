using SseApp.Events.Diagnostics;

namespace SseApp.Tests.Events.Diagnostics;

public sealed class LatencyWindowTests
{
    private static readonly double[] s_percentiles = [0.5, 0.99];

    [Fact]
    public void A_percentile_is_never_too_low_and_at_most_an_eighth_too_high() =>
        Gen.Long[0, 10_000_000_000].Array[1, 200].Sample(latencies =>
        {
            var window = new LatencyWindow();
            Array.ForEach(latencies, window.Record);
            var sorted = latencies.Order().ToArray();
            var taken = window.Take(0.5, 0.99)!;
            return window.Take(0.5, 0.99) is null && s_percentiles.Zip(taken).All(pair =>
            {
                var exact = sorted[(int)Math.Ceiling(sorted.Length * pair.First) - 1];
                return pair.Second.TotalMicroseconds >= exact && pair.Second.TotalMicroseconds <= exact * 1.125 + 1;
            });
        });
}
