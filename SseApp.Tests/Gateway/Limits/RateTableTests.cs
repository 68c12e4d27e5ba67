using SseApp.Gateway.Limits;
using SseApp.Gateway.Requests;

namespace SseApp.Tests.Gateway.Limits;

public sealed class RateTableTests
{
    private static readonly ClientKey s_client = Key(1);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_burst_passes_then_one_each_interval()
    {
        var table = new RateTable(_time);
        var rate = new Rate(PerSecond: 4, Burst: 3);
        Assert.True(Take(table, rate) && Take(table, rate) && Take(table, rate));
        Assert.False(Take(table, rate));

        _time.Advance(TimeSpan.FromMilliseconds(249));
        Assert.False(Take(table, rate));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(Take(table, rate));
        Assert.False(Take(table, rate));
    }

    [Fact]
    public void Waiting_as_long_as_it_says_is_enough_and_a_moment_less_is_not()
    {
        var table = new RateTable(_time);
        var rate = new Rate(PerSecond: 3, Burst: 2);
        Take(table, rate);
        Take(table, rate);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        var wait = table.TryTake(s_client, rate)!.Value;

        _time.Advance(wait - TimeSpan.FromTicks(1));
        Assert.False(Take(table, rate));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.True(Take(table, rate));
    }

    [Fact]
    public void What_is_taken_beyond_the_bucket_is_owed_and_what_is_given_back_is_not()
    {
        var table = new RateTable(_time);
        var rate = new Rate(PerSecond: 10, Burst: 10);
        Assert.Null(table.TryTake(s_client, rate, 60));
        Assert.Equal(TimeSpan.FromSeconds(5.1), table.TryTake(s_client, rate));

        table.Charge(s_client, rate, -40);
        Assert.Equal(TimeSpan.FromSeconds(1.1), table.TryTake(s_client, rate));
        table.Charge(s_client, rate, 10);
        Assert.Equal(TimeSpan.FromSeconds(2.1), table.TryTake(s_client, rate));
        table.Charge(s_client, rate, -1000);
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void No_sequence_of_requests_gets_more_than_burst_and_rate_allow() =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[1, 100], Gen.Int[0, 400].Array[1, 200]).Sample((perSecond, burst, waits) =>
        {
            var time = new FakeTimeProvider();
            var start = time.GetTimestamp();
            var table = new RateTable(time);
            var taken = 0;
            foreach (var wait in waits)
            {
                time.Advance(TimeSpan.FromMilliseconds(wait));
                taken += Take(table, new Rate(perSecond, burst)) ? 1 : 0;
            }

            Assert.True(taken <= burst + (perSecond * time.GetElapsedTime(start).TotalSeconds) + 1e-6);
        });

    [Fact]
    public void A_crowd_of_clients_takes_bounded_room_and_does_not_free_the_one_that_owes_most()
    {
        var table = new RateTable(_time, capacity: 160);
        var rate = new Rate(PerSecond: 10, Burst: 10);
        table.TryTake(s_client, rate, 1_000_000);
        for (var i = 2; i < 10_000; i++)
        {
            table.TryTake(Key(i), rate);
        }

        Assert.InRange(table.Count, 1, 160);
        Assert.False(Take(table, rate));
    }

    [Fact]
    public void Full_buckets_make_room_first()
    {
        var table = new RateTable(_time, capacity: 16);
        var rate = new Rate(PerSecond: 1, Burst: 1);
        for (var i = 100; i < 1_000; i++)
        {
            table.TryTake(Key(i), rate);
        }

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(Take(table, rate));
        Assert.False(Take(table, rate));
        Assert.InRange(table.Count, 1, 16);
    }

    private static ClientKey Key(int number) => ClientKey.OfAddress(new IPAddress([10, 0, (byte)(number >> 8), (byte)number]), 64);

    private static bool Take(RateTable table, Rate rate) => table.TryTake(s_client, rate) is null;
}
