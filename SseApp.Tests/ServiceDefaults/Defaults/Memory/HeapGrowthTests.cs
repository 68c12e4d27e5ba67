using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Tests.ServiceDefaults.Defaults.Memory;

/// <summary>When a compaction of the heap is worth its pause.</summary>
public sealed class HeapGrowthTests
{
    private const long MiB = 1024 * 1024;

    private readonly HeapGrowth _growth = new(new HeapCompactionOptions());
    private long _allocated;

    [Fact]
    public void A_wave_of_streams_is_compacted_once_when_it_is_over()
    {
        Assert.False(Seconds(5, longLived: 100, allocated: 30), "The wave still goes on.");
        Assert.False(Seconds(2, longLived: 100, allocated: 0), "That may have been a pause.");
        Assert.True(Seconds(1, longLived: 100, allocated: 0));
        _growth.Compacted(80 * MiB, held: 0);
        Assert.False(Seconds(10, longLived: 95, allocated: 0), "A fifth is not worth another pause.");
        Assert.True(Seconds(1, longLived: 97, allocated: 0));
    }

    [Fact]
    public void A_service_that_only_makes_garbage_is_left_alone() =>
        Assert.False(Seconds(100, longLived: 15, allocated: 1));

    [Fact]
    public void Streams_that_return_after_all_had_left_count_again()
    {
        Assert.True(Seconds(3, longLived: 100, allocated: 0));
        _growth.Compacted(80 * MiB, held: 0);
        Assert.False(Seconds(3, longLived: 10, allocated: 0));
        Assert.True(Seconds(3, longLived: 80, allocated: 0));
    }

    [Fact]
    public void A_heap_whose_compaction_would_stop_all_streams_for_long_is_left_alone()
    {
        Assert.False(Seconds(10, longLived: 129, allocated: 0));
        Assert.True(Seconds(1, longLived: 128, allocated: 0));
    }

    [Fact]
    public void What_nobody_uses_is_given_back_once_when_the_service_rests()
    {
        Assert.False(Seconds(29, longLived: 15, allocated: 0, held: 60), "That may have been a pause.");
        Assert.True(Seconds(1, longLived: 15, allocated: 0, held: 60));
        _growth.Compacted(15 * MiB, held: 10 * MiB);
        Assert.False(Seconds(100, longLived: 15, allocated: 0, held: 41), "It is not worth another pause.");
        Assert.True(Seconds(1, longLived: 15, allocated: 0, held: 42));
    }

    [Fact]
    public void What_a_service_at_work_will_need_again_is_left_to_it() =>
        Assert.False(Seconds(100, longLived: 15, allocated: 1, held: 200));

    /// <param name="count">Seconds that pass.</param>
    /// <param name="longLived">MiB of long-lived memory.</param>
    /// <param name="allocated">MiB allocated in each second.</param>
    /// <param name="held">MiB that the collector has and that are not in use.</param>
    private bool Seconds(int count, long longLived, long allocated, long held = 0)
    {
        var due = false;
        for (var i = 0; i < count; i++)
        {
            _allocated += allocated * MiB;
            due = _growth.IsDue(longLived * MiB, held * MiB, _allocated);
        }

        return due;
    }
}
