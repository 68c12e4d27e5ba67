namespace SseApp.Events.Log;

internal static class UnixTime
{
    /// <summary>The last moment that can be shown.</summary>
    public const long MaxMicroseconds = 253_402_300_799_999_999;

    public static long UnixMicroseconds(this DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
