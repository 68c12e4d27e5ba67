using SseApp.Events.Diagnostics;

namespace SseApp.Tests.Events.Diagnostics;

public sealed class LatencyWindowTests
{
    [Fact]
    public void A_percentile_is_never_too_low_and_at_most_an_eighth_too_high() =>
        Gen.Long[0, 10_000_000_000].Array[1, 200].Sample(latencies =>
        {
            var window = new LatencyWindow();
            Array.ForEach(latencies, window.Record);
            var exact = latencies.Order().ElementAt((int)Math.Ceiling(latencies.Length * 0.99) - 1);
            var taken = window.Take(0.99)!.Value.TotalMicroseconds;
            return taken >= exact && taken <= exact * 1.125 + 1 && window.Take(0.99) is null;
        });
}
