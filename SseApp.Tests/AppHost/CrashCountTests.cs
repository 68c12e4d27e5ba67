using SseApp.AppHost.Supervision;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.AppHost;

public sealed class CrashCountTests
{
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(1);

    [Fact]
    public void By_default_it_restarts_after_4_s_and_gives_up_at_the_tenth_short_life_in_a_row()
    {
        var crashes = new CrashCount(new RestartPolicy());

        for (var i = 1; i < 10; i++)
        {
            Assert.Equal(new RestartDecision(TimeSpan.FromSeconds(4), Crash: true, i), crashes.Ended(1, s_short));
        }

        Assert.Equal(new RestartDecision(null, Crash: true, 10), crashes.Ended(1, s_short));
    }

    [Fact]
    public void A_life_of_min_uptime_begins_the_count_anew()
    {
        var crashes = new CrashCount(new RestartPolicy { MaxRestarts = 2 });

        for (var i = 0; i < 50; i++)
        {
            Assert.NotNull(crashes.Ended(139, s_short).Delay);
            Assert.NotNull(crashes.Ended(139, s_long).Delay);
        }
    }

    [Theory]
    [InlineData(ExitCodes.Restart)]
    [InlineData(ExitCodes.MemoryGuard)]
    public void What_was_meant_is_restarted_at_once_and_never_counts(int exitCode)
    {
        var crashes = new CrashCount(new RestartPolicy { MaxRestarts = 1 });

        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(new RestartDecision(TimeSpan.Zero, Crash: false, 0), crashes.Ended(exitCode, s_short));
        }
    }

    [Fact]
    public void A_long_life_that_a_reload_ended_begins_the_count_anew_and_a_short_one_leaves_it()
    {
        var crashes = new CrashCount(new RestartPolicy { MaxRestarts = 2 });
        crashes.Ended(1, s_short);
        crashes.Ended(ExitCodes.Restart, s_long);

        Assert.NotNull(crashes.Ended(1, s_short).Delay);
        crashes.Ended(ExitCodes.MemoryGuard, s_short);
        Assert.Null(crashes.Ended(1, s_short).Delay);
    }

    [Fact]
    public void The_exponential_delay_doubles_up_to_its_limit_and_falls_back_after_a_long_life()
    {
        var crashes = new CrashCount(new RestartPolicy { Exponential = true, MaxRestarts = 1000, MaxDelay = TimeSpan.FromSeconds(30) });

        Assert.Equal([4, 8, 16, 30, 30], Enumerable.Range(0, 5).Select(_ => crashes.Ended(1, s_short).Delay!.Value.TotalSeconds));
        Assert.Equal(4, crashes.Ended(1, s_long).Delay!.Value.TotalSeconds);
    }

    [Fact]
    public void A_start_by_hand_begins_the_count_anew()
    {
        var crashes = new CrashCount(new RestartPolicy { MaxRestarts = 2 });
        crashes.Ended(1, s_short);

        crashes.Reset();

        Assert.NotNull(crashes.Ended(1, s_short).Delay);
        Assert.Null(crashes.Ended(1, s_short).Delay);
    }
}
