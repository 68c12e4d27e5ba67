namespace SseApp.Events.Log;

internal static class UnixTime
{
    public static long UnixMicroseconds(this DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
