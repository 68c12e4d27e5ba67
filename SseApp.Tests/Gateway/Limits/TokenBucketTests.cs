using System.Threading.RateLimiting;
using SseApp.Gateway.Limits;

namespace SseApp.Tests.Gateway.Limits;

public sealed class TokenBucketTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_burst_passes_then_one_each_interval()
    {
        using var bucket = new TokenBucket(new TokenBucketRate(PerSecond: 4, Burst: 3), _time);
        Assert.True(Take(bucket) && Take(bucket) && Take(bucket));
        Assert.False(Take(bucket));

        _time.Advance(TimeSpan.FromMilliseconds(249));
        Assert.False(Take(bucket));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(Take(bucket));
        Assert.False(Take(bucket));
    }

    [Fact]
    public void Waiting_as_long_as_Retry_After_says_is_enough_and_a_moment_less_is_not()
    {
        using var bucket = new TokenBucket(new TokenBucketRate(PerSecond: 3, Burst: 2), _time);
        Take(bucket);
        Take(bucket);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        using var refused = bucket.AttemptAcquire();
        Assert.True(refused.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter));

        _time.Advance(retryAfter - TimeSpan.FromTicks(1));
        Assert.False(Take(bucket));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.True(Take(bucket));
    }

    [Fact]
    public void No_sequence_of_requests_gets_more_than_burst_and_rate_allow() =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[1, 100], Gen.Int[0, 400].Array[1, 200]).Sample((rate, burst, waits) =>
        {
            var time = new FakeTimeProvider();
            var start = time.GetTimestamp();
            using var bucket = new TokenBucket(new TokenBucketRate(rate, burst), time);
            var taken = 0;
            foreach (var wait in waits)
            {
                time.Advance(TimeSpan.FromMilliseconds(wait));
                taken += Take(bucket) ? 1 : 0;
            }

            Assert.True(taken <= burst + (rate * time.GetElapsedTime(start).TotalSeconds) + 1e-6);
        });

    [Fact]
    public void It_is_idle_only_when_full_again_so_that_dropping_it_gives_nobody_tokens()
    {
        using var bucket = new TokenBucket(new TokenBucketRate(PerSecond: 2, Burst: 10), _time);
        Take(bucket);
        Take(bucket);
        Assert.Null(bucket.IdleDuration);
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Null(bucket.IdleDuration);
        _time.Advance(TimeSpan.FromMilliseconds(501));
        Assert.Equal(TimeSpan.FromMilliseconds(500), bucket.IdleDuration);
    }

    private static bool Take(TokenBucket bucket)
    {
        using var lease = bucket.AttemptAcquire();
        return lease.IsAcquired;
    }
}
