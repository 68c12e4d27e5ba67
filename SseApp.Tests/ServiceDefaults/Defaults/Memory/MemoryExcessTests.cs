using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Tests.ServiceDefaults.Defaults.Memory;

/// <summary>When a process that grew has to leave.</summary>
public sealed class MemoryExcessTests
{
    private const long Limit = 100 << 20;
    private const long Above = Limit + 1;

    private readonly MemoryExcess _excess = new(new MemoryGuardOptions { Limit = new ByteSize(Limit), Duration = TimeSpan.FromSeconds(10) });
    private int _second;

    [Fact]
    public void Growth_that_is_garbage_makes_nobody_leave_however_often_it_comes()
    {
        for (var wave = 0; wave < 3; wave++)
        {
            Assert.Equal([MemoryVerdict.Wait, MemoryVerdict.Wait, MemoryVerdict.Wait, MemoryVerdict.Wait, MemoryVerdict.Wait, MemoryVerdict.Collect], Seconds(Above, 6));
            Assert.All(Seconds(Limit, 20), verdict => Assert.Equal(MemoryVerdict.Fine, verdict));
        }
    }

    [Fact]
    public void What_stays_above_the_limit_after_one_collection_leaves_when_the_time_is_over()
    {
        var verdicts = Seconds(Above, 12);
        Assert.Single(verdicts, MemoryVerdict.Collect);
        Assert.All(verdicts[..10], verdict => Assert.NotEqual(MemoryVerdict.Leave, verdict));
        Assert.All(verdicts[10..], verdict => Assert.Equal(MemoryVerdict.Leave, verdict));
    }

    [Fact]
    public void A_break_starts_the_time_anew()
    {
        Seconds(Above, 9);
        Seconds(Limit, 1);
        Assert.DoesNotContain(MemoryVerdict.Leave, Seconds(Above, 9));
    }

    private MemoryVerdict[] Seconds(long workingSet, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => _excess.Next(workingSet, TimeSpan.FromSeconds(_second++)))];
}
