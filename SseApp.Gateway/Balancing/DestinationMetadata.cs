namespace SseApp.Gateway.Balancing;

/// <summary>
/// A destination's <c>Metadata</c> that the policies read, under nginx's names. Each reader answers null for what is
/// absent or not valid; <see cref="Errors"/> names the latter.
/// </summary>
internal static class DestinationMetadata
{
    public const string WeightKey = "weight";
    public const string BackupKey = "backup";

    /// <summary>The version of the relay protocol that it offers; none without it.</summary>
    public const string RelayKey = "relay";

    /// <summary>The id of the replica that it is; a service of section <c>ReverseProxy</c> has none.</summary>
    public const string ReplicaKey = "SseApp.Replica";
    public const string MaxFailsKey = "max_fails";
    public const string FailTimeoutKey = "fail_timeout";

    private const int MaxWeight = 1000;
    private const int MostFails = 1_000_000;

    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    public static int? Weight(IReadOnlyDictionary<string, string>? metadata) => Number(Find(metadata, WeightKey), 1, MaxWeight);

    public static bool? Backup(IReadOnlyDictionary<string, string>? metadata) =>
        bool.TryParse(Find(metadata, BackupKey), out var backup) ? backup : null;

    public static int? MaxFails(IReadOnlyDictionary<string, string>? metadata) => Number(Find(metadata, MaxFailsKey), 0, MostFails);

    public static TimeSpan? FailTimeout(IReadOnlyDictionary<string, string>? metadata) =>
        Duration(Find(metadata, FailTimeoutKey)) is { } duration && duration >= s_shortest && duration <= s_longest ? duration : null;

    /// <summary>The rules that <paramref name="metadata"/> breaks.</summary>
    public static IEnumerable<string> Errors(IReadOnlyDictionary<string, string>? metadata)
    {
        string? Broken(string key, bool valid, string rule) =>
            Find(metadata, key) is { } text && !valid ? $"{key} is '{text}'; {rule}" : null;

        return new[]
        {
            Broken(WeightKey, Weight(metadata) is not null, $"it must be a whole number from 1 to {MaxWeight}."),
            Broken(BackupKey, Backup(metadata) is not null, "it must be true or false."),
            Broken(MaxFailsKey, MaxFails(metadata) is not null, $"it must be a whole number from 0 (never taken out) to {MostFails}."),
            Broken(FailTimeoutKey, FailTimeout(metadata) is not null, "it must be 50ms to 1h, such as 10s, 500ms, 2m or 00:00:10."),
        }.OfType<string>();
    }

    private static string? Find(IReadOnlyDictionary<string, string>? metadata, string key) =>
        metadata is not null && metadata.TryGetValue(key, out var text) ? text : null;

    private static int? Number(string? text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number : null;

    // As nginx writes times; a number alone is seconds. TimeSpan would take it for days.
    private static TimeSpan? Duration(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (text.Contains(':', StringComparison.Ordinal))
        {
            return SettingTypes.CanRead(typeof(TimeSpan), text) ? TimeSpan.Parse(text, CultureInfo.InvariantCulture) : null;
        }

        var digits = text.AsSpan().TrimEnd("mhs");
        double? unit = text.AsSpan(digits.Length) switch
        {
            "ms" => 1,
            "s" or "" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => null,
        };
        return unit is { } milliseconds && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? TimeSpan.FromMilliseconds(number * milliseconds)
            : null;
    }
}
