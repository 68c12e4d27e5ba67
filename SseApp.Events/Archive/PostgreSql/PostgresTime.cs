namespace SseApp.Events.Archive.PostgreSql;

/// <summary>Unix microseconds as <c>timestamptz</c> has them, to the microsecond.</summary>
internal static class PostgresTime
{
    public static DateTime FromUnixMicroseconds(long microseconds) => DateTime.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    public static long ToUnixMicroseconds(DateTime time) => (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
