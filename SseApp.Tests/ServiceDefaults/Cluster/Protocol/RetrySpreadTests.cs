using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Tests.ServiceDefaults.Cluster.Protocol;

public sealed class RetrySpreadTests
{
    private const int Rate = 1_000;
    private const int Min = 1_000;
    private const int Max = 5_000;
    private const int Longest = 30_000;

    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(400)]
    [InlineData(Rate)]
    public void At_the_rate_that_is_fine_times_stay_what_they_are(int perSecond)
    {
        var spread = Create();
        for (var opening = 0; opening < 10 * perSecond; opening++)
        {
            Assert.Equal(0, spread.Opened());
            _time.Advance(TimeSpan.FromSeconds(1.0 / perSecond));
        }

        Assert.All(Draw(spread, 10_000), retry => Assert.InRange(retry, Min, Max));
    }

    [Fact]
    public void What_comes_within_a_second_is_no_storm()
    {
        var spread = Create();
        for (var opening = 0; opening < Rate; opening++)
        {
            Assert.Equal(0, spread.Opened());
        }

        Assert.True(spread.Opened() > 0);
    }

    [Fact]
    public void More_openings_never_make_it_shorter_and_it_is_bounded()
    {
        var spread = Create();
        var last = 0;
        var mean = 0.0;
        for (var thousand = 0; thousand < 100; thousand++)
        {
            for (var opening = 0; opening < 1_000; opening++)
            {
                var now = spread.Opened();
                Assert.InRange(now, last, Longest);
                last = now;
            }

            var draws = Draw(spread, 4_000);
            Assert.All(draws, retry => Assert.InRange(retry, Min, Longest));
            // A twentieth of the widest range, far more than what chance does to a mean of so many.
            Assert.True(draws.Average() > mean - 750, $"{draws.Average()} after {mean}");
            mean = Math.Max(mean, draws.Average());
        }

        Assert.True(mean > Max, $"{mean} ms is not longer than in quiet hours.");
    }

    [Fact]
    public void It_is_over_when_all_could_be_back()
    {
        var spread = Create();
        for (var opening = 0; opening < 6 * Rate; opening++)
        {
            spread.Opened();
        }

        Assert.InRange(spread.Milliseconds, 4_990, 5_000);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.InRange(spread.Milliseconds, 2_990, 3_000);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(0, spread.Milliseconds);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(0, spread.Opened());
    }

    [Theory]
    [InlineData(10_000, 1)]
    [InlineData(10_000, 3)]
    [InlineData(20_000, 2)]
    [InlineData(20_000, 10)]
    public void The_second_wave_is_flatter(int clients, int seconds)
    {
        var spread = Create();
        var perSecond = new int[(Longest / 1_000) + 1];
        for (var client = 0; client < clients; client++)
        {
            perSecond[spread.Next(Min, Max, spread.Opened()) / 1_000]++;
            _time.Advance(TimeSpan.FromSeconds((double)seconds / clients));
        }

        // With the times of quiet hours it would be a quarter of all, four seconds long.
        Assert.True(perSecond.Max() < 0.7 * clients / 4, $"{perSecond.Max()} come back in one second: {string.Join(' ', perSecond)}");
    }

    [Fact]
    public async Task Openings_of_many_threads_all_count()
    {
        var spread = Create();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var opening = 0; opening < Rate; opening++)
            {
                spread.Opened();
            }
        }, TestContext.Current.CancellationToken)));

        Assert.InRange(spread.Milliseconds, 6_990, 7_000);
    }

    [Fact]
    public void It_can_be_turned_off_and_never_shortens_what_is_configured()
    {
        var off = Create(rate: 0);
        var small = Create(rate: 1);
        for (var opening = 0; opening < 100; opening++)
        {
            Assert.Equal(0, off.Opened());
            small.Opened();
        }

        Assert.Equal(60_000, small.Next(60_000, 60_000, small.Milliseconds));
    }

    private RetrySpread Create(int rate = Rate) =>
        new(Options.Create(new StormOptions { OpeningsPerSecond = rate, MaxRetry = TimeSpan.FromMilliseconds(Longest) }), _time);

    private static int[] Draw(RetrySpread spread, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => spread.Next(Min, Max, spread.Milliseconds))];
}
