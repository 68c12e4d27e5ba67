using SseApp.AppHost.Supervision;

namespace SseApp.Tests.AppHost;

public sealed class HangWatchTests
{
    private static readonly LivenessReading s_alive = new(LivenessAnswer.Alive);
    private static readonly LivenessReading s_silent = new(LivenessAnswer.None);
    private static readonly LivenessReading s_frozen = new(LivenessAnswer.None, IsFrozen: true);

    private readonly FakeTimeProvider _time = new();
    private readonly HangWatch _watch;

    public HangWatchTests()
    {
        _watch = new HangWatch(new RestartPolicy(), _time);
        _watch.Started();
    }

    [Fact]
    public void A_process_that_does_not_answer_for_30_s_is_killed_once()
    {
        Next(s_alive);

        Assert.Equal(HangVerdict.None, Next(s_silent, 29));
        Assert.Equal(HangVerdict.Kill, Next(s_silent));
        Assert.Equal(HangVerdict.None, Next(s_silent, 50));
    }

    [Fact]
    public void An_answer_ends_the_silence_however_late_it_comes()
    {
        Next(s_alive);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(HangVerdict.None, Next(s_silent, 29));
            Assert.Equal(HangVerdict.None, Next(s_alive));
        }
    }

    [Fact]
    public void One_that_answers_that_it_is_beyond_help_is_drained()
    {
        Next(s_alive);

        Assert.Equal(HangVerdict.Drain, Next(new LivenessReading(LivenessAnswer.Unhealthy), 30));
    }

    [Fact]
    public void One_that_the_gateway_finds_frozen_is_killed_after_5_s_of_silence_and_not_while_it_answers()
    {
        Next(s_alive);
        Assert.Equal(HangVerdict.None, Next(new LivenessReading(LivenessAnswer.Alive, IsFrozen: true), 20));

        Assert.Equal(HangVerdict.None, Next(s_frozen, 4));
        Assert.Equal(HangVerdict.Kill, Next(s_frozen));
    }

    [Fact]
    public void One_that_answers_but_stays_lost_to_the_gateway_is_drained()
    {
        Next(s_alive);

        Assert.Equal(HangVerdict.Drain, Next(new LivenessReading(LivenessAnswer.Alive, IsFrozen: true), 30));
    }

    [Fact]
    public void What_the_gateway_says_of_the_process_before_it_does_not_count_against_a_replacement()
    {
        Next(s_alive);
        Assert.Equal(HangVerdict.Kill, Next(s_frozen, 5));
        _watch.Started();
        Assert.Equal(HangVerdict.NeedsPerson, Next(s_frozen, 10));
        Assert.Equal(HangVerdict.None, Next(s_frozen, 40));

        // The gateway has not heard of it yet.
        var stillFrozen = new LivenessReading(LivenessAnswer.Alive, IsFrozen: true);
        Assert.Equal(HangVerdict.Recovered, Next(stillFrozen));
        Assert.Equal(HangVerdict.None, Next(stillFrozen, 20));
        Assert.Equal(HangVerdict.None, Next(s_alive));
    }

    [Fact]
    public void A_start_may_take_five_minutes()
    {
        Assert.Equal(HangVerdict.None, Next(s_frozen, 299));
        Next(s_alive);
        Assert.Equal(HangVerdict.Kill, Next(s_silent, 30));

        _watch.Ended();
        _watch.Started();
        Assert.Equal(HangVerdict.None, Next(s_silent, 9));
    }

    [Fact]
    public void A_process_that_hangs_before_its_first_answer_is_killed_and_its_successor_is_watched()
    {
        Next(s_silent, 299);
        Assert.Equal(HangVerdict.KillStart, Next(s_silent));

        _watch.Ended();
        _watch.Started();
        Next(s_alive);
        Assert.Equal(HangVerdict.Recovered, Next(s_alive, 9));
    }

    [Fact]
    public void Where_a_start_has_no_limit_it_takes_as_long_as_it_takes()
    {
        var watch = new HangWatch(new RestartPolicy { StartLimit = TimeSpan.Zero }, _time);
        watch.Started();
        for (var i = 0; i < 1_000; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(HangVerdict.None, watch.Next(s_silent));
        }
    }

    [Fact]
    public void A_breakpoint_is_no_hang()
    {
        Next(new LivenessReading(LivenessAnswer.Debugged));
        Assert.Equal(HangVerdict.None, Next(s_frozen, 1_000));

        // Detached: from now on it counts.
        Next(s_alive);
        Assert.Equal(HangVerdict.None, Next(new LivenessReading(LivenessAnswer.None, IsFrozen: true, IsTraced: true), 1_000));
        Next(s_alive);
        Assert.Equal(HangVerdict.Kill, Next(s_silent, 30));
    }

    [Fact]
    public void Time_in_which_nobody_asked_is_no_silence()
    {
        Next(s_alive);

        // The machine slept, or this program was stopped.
        _time.Advance(TimeSpan.FromHours(8));
        Assert.Equal(HangVerdict.None, _watch.Next(s_silent));
        Assert.Equal(HangVerdict.None, Next(s_alive));
    }

    [Fact]
    public void Switched_off_it_never_restarts()
    {
        var watch = new HangWatch(new RestartPolicy { HungAfter = TimeSpan.Zero }, _time);
        watch.Started();
        watch.Next(s_alive);
        for (var i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(HangVerdict.None, watch.Next(s_frozen));
        }
    }

    [Fact]
    public void Ten_seconds_after_the_restart_it_has_recovered_when_it_answers()
    {
        Hang();
        _watch.Started();

        Assert.Equal(HangVerdict.None, Next(s_alive, 9));
        Assert.True(_watch.IsRestarting);
        Assert.Equal(HangVerdict.Recovered, Next(s_alive));
        Assert.False(_watch.IsRestarting);
        Assert.Equal(HangVerdict.None, Next(s_alive, 60));
    }

    [Fact]
    public void Ten_seconds_after_the_restart_it_needs_a_person_when_it_does_not_answer_and_has_recovered_when_it_does_at_last()
    {
        Hang();
        _watch.Started();

        Assert.Equal(HangVerdict.None, Next(s_silent, 9));
        Assert.Equal(HangVerdict.NeedsPerson, Next(s_silent));
        Assert.Equal(HangVerdict.None, Next(s_silent, 1_000));
        Assert.Equal(HangVerdict.Recovered, Next(s_alive));
        Assert.Equal(HangVerdict.Kill, Next(s_silent, 30));
    }

    [Fact]
    public void One_that_does_not_start_again_needs_a_person_after_a_minute_unless_one_has_stopped_it()
    {
        Hang();
        Assert.Equal(HangVerdict.None, Next(s_silent, 59));
        Assert.Equal(HangVerdict.NeedsPerson, Next(s_silent));

        _watch.Started();
        Assert.Equal(HangVerdict.Recovered, Next(s_alive));
        Hang();
        _watch.Left();
        Assert.Equal(HangVerdict.None, Next(s_silent, 1_000));
    }

    private void Hang()
    {
        Next(s_alive);
        Assert.Equal(HangVerdict.Kill, Next(s_silent, 30));
        _watch.Ended();
    }

    /// <summary>The last of as many readings, a second each.</summary>
    private HangVerdict Next(LivenessReading reading, int seconds = 1)
    {
        var verdict = HangVerdict.None;
        for (var i = 0; i < seconds; i++)
        {
            Assert.Equal(HangVerdict.None, verdict);
            _time.Advance(TimeSpan.FromSeconds(1));
            verdict = _watch.Next(reading);
        }

        return verdict;
    }
}
