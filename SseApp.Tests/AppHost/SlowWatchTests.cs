using SseApp.AppHost.Supervision;

namespace SseApp.Tests.AppHost;

public sealed class SlowWatchTests
{
    private const int Slow = 501;
    private const int Limit = 500;

    private static readonly TimeSpan s_after = TimeSpan.FromMinutes(5);

    private readonly FakeTimeProvider _time = new();
    private readonly SlowWatch _watch;

    public SlowWatchTests() => _watch = new SlowWatch(new RestartPolicy { SlowAfter = s_after }, _time);

    [Fact]
    public void One_that_is_slow_for_as_long_is_restarted_when_another_keeps_up()
    {
        Assert.Null(Next(Slow, Limit, Limit));
        Pass(s_after - TimeSpan.FromSeconds(1));
        Assert.Null(Next(Slow, Limit, Limit));
        Pass(TimeSpan.FromSeconds(1));

        Assert.Equal("r0", Next(Slow, Limit, Limit));
    }

    [Theory]
    [InlineData(Slow, Slow, Slow)]
    [InlineData(Slow)]
    public void When_all_are_slow_or_there_is_no_other_none_is(params int[] delays)
    {
        Next(delays);
        Pass(s_after * 2);

        Assert.Null(Next(delays));
    }

    [Fact]
    public void One_that_kept_up_for_a_moment_is_neither_slow_nor_a_reason_to_restart_the_others()
    {
        Next(Slow, Slow, Slow);
        Pass(s_after);
        Assert.Null(Next(Slow, Slow, Limit));
        Pass(s_after - TimeSpan.FromSeconds(1));
        Assert.Null(Next(Slow, Slow, Limit));

        Assert.Null(Next(Slow, Slow, Slow));
        Pass(s_after - TimeSpan.FromSeconds(1));
        Assert.Null(Next(Slow, Slow, Limit));
    }

    [Fact]
    public void While_one_is_restarted_or_its_restart_did_not_help_no_other_is()
    {
        Next(Slow, Slow, Limit);
        Pass(s_after);

        Assert.Null(_watch.Next([Reading(0, Slow), Reading(1, Slow), Reading(2, Limit) with { IsRestarting = true }]));
        Assert.Equal("r0", Next(Slow, Slow, Limit));
    }

    [Fact]
    public void The_new_process_begins_anew_and_one_that_is_not_ready_counts_for_nothing()
    {
        Next(Slow, Limit);
        Pass(s_after);
        Assert.Null(_watch.Next([Reading(0, Slow), Reading(1, Limit) with { IsReady = false }]));

        Assert.Null(Next(Slow, Limit));
        Pass(s_after);
        Assert.Equal("r0", Next(Slow, Limit));
        Assert.Null(_watch.Next([Reading(0, Slow) with { IsReady = false }, Reading(1, Limit)]));
        Assert.Null(Next(Slow, Limit));
    }

    [Fact]
    public void It_is_opt_in()
    {
        var watch = new SlowWatch(new RestartPolicy(), _time);
        watch.Next([Reading(0, Slow), Reading(1, Limit)]);
        Pass(TimeSpan.FromDays(1));

        Assert.Null(watch.Next([Reading(0, Slow), Reading(1, Limit)]));
    }

    private void Pass(TimeSpan time) => _time.Advance(time);

    private string? Next(params int[] delays) => _watch.Next([.. delays.Select((delay, index) => Reading(index, delay))]);

    private static SlowReading Reading(int index, int delay) =>
        new($"r{index}", IsReady: true, TimeSpan.FromMilliseconds(delay), IsRestarting: false);
}
