namespace SseApp.Gateway.Limits;

/// <param name="PerSecond">Tokens that come back each second.</param>
/// <param name="Burst">Tokens that a full bucket holds.</param>
internal sealed record TokenBucketRate(int PerSecond, int Burst)
{
    /// <summary>Ticks of the clock in which this many tokens come back.</summary>
    public long Cost(int tokens, TimeProvider time) => time.TimestampFrequency * tokens / PerSecond;
}
