using System.Numerics;

namespace SseApp.Events.Diagnostics;

/// <summary>
/// A histogram of latencies since it was last read. Exported histograms only grow, so a percentile of the last second
/// cannot be read from them. Eight buckets an octave: a percentile is at most an eighth too high.
/// </summary>
internal sealed class LatencyWindow
{
    private const int BucketBits = 3;
    private const int Buckets = 40 << BucketBits;

    private int[] _counts = new int[Buckets];

    public void Record(long microseconds)
    {
        var index = Index(microseconds);
        Interlocked.Increment(ref Volatile.Read(ref _counts)[index]);
    }

    /// <param name="percentiles">In ascending order.</param>
    /// <returns>The upper ends of the buckets that hold the percentiles; null without a record. What comes next is counted anew.</returns>
    public TimeSpan[]? Take(params ReadOnlySpan<double> percentiles)
    {
        var counts = Interlocked.Exchange(ref _counts, new int[Buckets]);
        var total = counts.Sum(count => (long)count);
        if (total == 0)
        {
            return null;
        }

        var found = new TimeSpan[percentiles.Length];
        var (index, seen) = (0, (long)counts[0]);
        for (var i = 0; i < found.Length; i++)
        {
            var rank = (long)Math.Ceiling(total * percentiles[i]);
            while (seen < rank)
            {
                seen += counts[++index];
            }

            found[i] = TimeSpan.FromMicroseconds(UpperEnd(index));
        }

        return found;
    }

    private static int Index(long microseconds)
    {
        var value = (ulong)Math.Max(0, microseconds);
        if (value < 1 << BucketBits)
        {
            return (int)value;
        }

        var octave = BitOperations.Log2(value) - BucketBits;
        return Math.Min(Buckets - 1, ((octave + 1) << BucketBits) + (int)((value >> octave) & ((1 << BucketBits) - 1)));
    }

    private static long UpperEnd(int index)
    {
        if (index < 1 << BucketBits)
        {
            return index;
        }

        var octave = (index >> BucketBits) - 1;
        return (((1L << BucketBits) + (index & ((1 << BucketBits) - 1)) + 1) << octave) - 1;
    }
}
