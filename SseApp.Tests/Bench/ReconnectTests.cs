using SseApp.Bench.Generator;

namespace SseApp.Tests.Bench;

public sealed class ReconnectTests
{
    private const long Second = 1_000_000;

    /// <summary>A process that drains sends clients away for some seconds; the last of them come back when the next one's turn has begun.</summary>
    [Fact]
    public void Who_ended_in_one_turn_and_comes_back_in_the_next_is_counted_to_the_first()
    {
        // 200 a second end in the first turn, 100 a second in the second; each comes back three seconds later.
        Reconnect[] all = [.. Even(200, from: 0, seconds: 30), .. Even(100, from: 30, seconds: 30)];

        var (first, second) = (Reconnect.Of(all, 0, 30 * Second), Reconnect.Of(all, 30 * Second, 60 * Second));

        Assert.Equal((6_000, 3_000), (first.Count, second.Count));
        Assert.InRange(Reconnect.Peak(first), 200, 202);
        Assert.InRange(Reconnect.Peak(second), 100, 102);

        static IEnumerable<Reconnect> Even(int rate, int from, int seconds) => Enumerable.Range(0, rate * seconds)
            .Select(index => (from * Second) + (index * Second / rate))
            .Select(ended => new Reconnect(ended, ended + (3 * Second)));
    }
}
