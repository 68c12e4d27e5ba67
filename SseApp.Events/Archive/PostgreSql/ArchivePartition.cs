namespace SseApp.Events.Archive.PostgreSql;

/// <summary>A part of the events that is dropped as a whole: of one retention, published in one span of time.</summary>
/// <param name="Retention">In hours.</param>
/// <param name="Bucket">The hour since 1970 that the span begins with.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ArchivePartition(int Retention, int Bucket)
{
    private const string Prefix = "events_";
    private const long HourMicroseconds = 3_600_000_000;

    /// <summary>About thirty of them at a time, whatever the retention.</summary>
    private const int Parts = 30;

    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Retention}_{Bucket}");

    /// <summary>When the last of its events is past its retention.</summary>
    public DateTimeOffset ExpiresAt => DateTimeOffset.UnixEpoch.AddHours((double)Bucket + Width(Retention) + Retention);

    /// <summary>Whole hours, not fewer than were asked for.</summary>
    public static int Hours(TimeSpan retention) => (int)Math.Ceiling(retention.TotalHours);

    public static bool IsExpired(long publishedAtMicroseconds, int retention, long nowMicroseconds) =>
        publishedAtMicroseconds + (retention * HourMicroseconds) <= nowMicroseconds;

    /// <summary>Where an event goes that is not expired. The latest one is that after the present: a clock that is far ahead makes none for each hour of its own.</summary>
    public static ArchivePartition Of(long publishedAtMicroseconds, int retention, long nowMicroseconds)
    {
        var width = Width(retention);
        var hour = Math.Min(publishedAtMicroseconds / HourMicroseconds, (nowMicroseconds / HourMicroseconds) + width);
        return new ArchivePartition(retention, (int)(hour - (hour % width)));
    }

    public static bool TryParse(string name, out ArchivePartition partition)
    {
        partition = default;
        if (!name.StartsWith(Prefix, StringComparison.Ordinal)
            || name[Prefix.Length..].Split('_') is not [var retention, var bucket]
            || !int.TryParse(retention, NumberStyles.None, CultureInfo.InvariantCulture, out var hours)
            || !int.TryParse(bucket, NumberStyles.None, CultureInfo.InvariantCulture, out var hour))
        {
            return false;
        }

        partition = new ArchivePartition(hours, hour);
        return true;
    }

    private static int Width(int retention) => Math.Max(1, retention / Parts);
}
