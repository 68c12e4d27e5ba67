namespace SseApp.Cli.Output;

/// <summary>Numbers for people; programs take <c>--json</c>.</summary>
internal static class Format
{
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Streams(long count) => count == 1 ? "1 stream" : $"{Count(count)} streams";

    public static string Rate(double? rate) => rate switch
    {
        null => "-",
        >= 100 => rate.Value.ToString("N0", CultureInfo.InvariantCulture),
        _ => rate.Value.ToString("0.##", CultureInfo.InvariantCulture),
    };

    public static string Bytes(double bytes) => bytes switch
    {
        >= 1L << 40 => Scaled(bytes / (1L << 40), "TiB"),
        >= 1L << 30 => Scaled(bytes / (1L << 30), "GiB"),
        >= 1L << 20 => Scaled(bytes / (1L << 20), "MiB"),
        >= 1L << 10 => Scaled(bytes / (1L << 10), "KiB"),
        _ => Scaled(bytes, "B"),
    };

    public static string Time(double seconds)
    {
        var time = TimeSpan.FromSeconds(Math.Max(0, seconds));
        return time switch
        {
            { TotalDays: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.Days} d {time.Hours} h"),
            { TotalHours: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.Hours} h {time.Minutes} min"),
            { TotalMinutes: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s"),
        };
    }

    private static string Scaled(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {unit}");
}
