using System.Collections;
using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// The names of all settings of all processes, as the generated JSON schema has them. Replicas, gateway and AppHost may
/// share one environment: what belongs to another of them is not unknown, and what almost has such a name is a mistake.
/// </summary>
internal static partial class SettingNames
{
    /// <summary>Beyond this the lines help nobody.</summary>
    private const int MaxLeaves = 20;

    private const string ConnectionStrings = "ConnectionStrings";
    private const string ConnectionPrefix = "CONNSTR_";
    private const string CopyPrefix = "APPSETTING_";

    // Shorter names are too easily like something else.
    private const int MinSpread = 8;
    private const int MaxMistakes = 2;

    // Fewer letters are in many names by chance.
    private const int MinPart = 4;

    /// <summary>Sections that libraries, the platform or Aspire read, whatever their names look like.</summary>
    private static readonly string[] s_foreign =
    [
        "Logging", "Kestrel", "ReverseProxy", "ConnectionStrings", "AllowedHosts", "HttpLogging", "OTEL", "OpenTelemetry", "ASPNETCORE", "DOTNET",
        "Aspire", "AppHost", "Dashboard", "DcpPublisher", "Publishing", "Parameters", "Azure", "services",
    ];

    /// <summary>The present name, and what to know of it.</summary>
    private static readonly Dictionary<string, (string Name, string Note)> s_former = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TopicLog:KeyPrefix"] = ("Cluster:KeyPrefix", "for both services"),
        ["ReplicaRegistry:KeyPrefix"] = ("Cluster:KeyPrefix", "for both services"),
        ["Limits:PublishesPerSecond"] = ("Limits:EventsPerSecond", "and counts events, not requests"),
        ["Limits:PublishBurst"] = ("Limits:EventBurst", "and counts events, not requests"),
    };

    private static readonly Lazy<Dictionary<string, Dictionary<string, bool>>> s_sections = new(Load);

    /// <summary>Names of all sections.</summary>
    public static IReadOnlyCollection<string> Sections => s_sections.Value.Keys;

    /// <summary>The environment variables of this process.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Variables =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value));

    /// <summary>Names of the settings in a section, whoever reads them; none when there is no such section.</summary>
    public static IReadOnlyCollection<string> Of(string section) => s_sections.Value.TryGetValue(section, out var names) ? names.Keys : [];

    /// <summary>
    /// A line for each setting outside of the sections that is certainly meant for one of them: in a section with a misspelt
    /// name (<c>Acces:Deny</c>), with the wrong separator (<c>ACCESS_DENY</c>), under a former name, or set twice by variables
    /// of which the runtime takes a random one: they differ in upper and lower case only, or in the form in which Azure App
    /// Service gives connection strings (<c>CUSTOMCONNSTR_redis</c>).
    /// </summary>
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="variables">The environment variables.</param>
    public static IEnumerable<string> Problems(IConfiguration configuration, IEnumerable<KeyValuePair<string, string?>> variables)
    {
        foreach (var (former, (now, note)) in s_former)
        {
            if (!string.IsNullOrEmpty(configuration[former]))
            {
                // Ignored, it would join the cluster to another one on the same Redis, or limit nothing.
                yield return $"{former} is '{configuration[former]}'; it is called {now} now, {note}.";
            }
        }

        foreach (var twice in variables.GroupBy(variable => NameOf(variable.Key), StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Key.Split(':')[0] is var section && (Sections.Contains(section, StringComparer.OrdinalIgnoreCase) || section == ConnectionStrings))
            .Where(group => group.Select(variable => variable.Value).Distinct(StringComparer.Ordinal).Skip(1).Any()))
        {
            yield return $"{string.Join(" and ", twice.Select(variable => variable.Key).Order(StringComparer.Ordinal))} are the same setting with different values; keep one of them.";
        }

        foreach (var child in configuration.GetChildren().Where(child => !IsKnown(child.Key) && !IsCopy(child, configuration)))
        {
            if (Flattened(child) is { } setting)
            {
                yield return $"{child.Path} is {Shown(child.Value, setting)}, but there is no such setting; did you mean {setting}, as a variable {setting.Replace(":", "__", StringComparison.Ordinal)}?";
            }
            else if (child.GetChildren().Any() && Misspelt(child) is { } section)
            {
                foreach (var leaf in Leaves(child))
                {
                    var meant = $"{section}{leaf.Path[child.Path.Length..]}";
                    yield return $"{leaf.Path} is {Shown(leaf.Value, meant)}, but there is no section {child.Path}; did you mean {meant}?";
                }
            }
            else
            {
                foreach (var (leaf, meant) in Nested(child))
                {
                    yield return $"{leaf.Path} is {Shown(leaf.Value, meant)}, but there is no section {child.Path}; did you mean {meant}?";
                }
            }
        }
    }

    /// <summary>The setting whose name, without its section, this is, with any separators; null when none or several are called so.</summary>
    public static string? Called(string name)
    {
        var letters = Letters(name);
        string[] same =
        [
            .. s_sections.Value.SelectMany(section => section.Value.Keys.Select(setting => (Section: section.Key, Name: setting)))
                .Where(setting => string.Equals(setting.Name, letters, StringComparison.OrdinalIgnoreCase)
                    || string.Equals(setting.Section + setting.Name, letters, StringComparison.OrdinalIgnoreCase))
                .Select(setting => $"{setting.Section}:{setting.Name}"),
        ];
        return same.Length == 1 ? same[0] : null;
    }

    /// <summary>Whether the setting of this path, or the one that is meant by it, is a secret.</summary>
    public static bool IsSecret(string path) => path.Split(':') is [var section, var name, ..] && IsSecret(section, name);

    /// <summary>Whether the setting has been renamed, which is reported by itself.</summary>
    public static bool IsFormer(string path) => s_former.ContainsKey(path);

    /// <summary>The settings in a section that have a value; the section itself when nothing in it has one.</summary>
    public static IEnumerable<IConfigurationSection> Leaves(IConfigurationSection section)
    {
        var leaves = section.GetChildren().SelectMany(Leaves).Take(MaxLeaves).ToArray();
        return section.Value is null && leaves.Length > 0 ? leaves : leaves.Prepend(section);
    }

    /// <summary>Whoever typed the name probably meant this one.</summary>
    public static string? Nearest(string name, IEnumerable<string> names) => names.MinBy(candidate => Distance(name, candidate));

    /// <summary>What whoever typed the name probably meant, see <see cref="Closest"/>. Null when nothing is like it.</summary>
    public static string? Similar(string name, IEnumerable<string> names) => Closest(name, names) is (var closest, true) ? closest : null;

    /// <summary>
    /// The name that is most like it, and whether it is so much like it that it was probably meant: about half of it is the same, or
    /// one is a part of the other. Those that are go before those that are not.
    /// </summary>
    public static (string? Name, bool IsSimilar) Closest(string name, IEnumerable<string> names) => names
        .Select(candidate => (Name: candidate, Distance: Distance(name, candidate)))
        .Select(each => (each.Name, each.Distance, IsSimilar: each.Distance * 2 <= Math.Max(name.Length, each.Name.Length) + 1
            || (Math.Min(name.Length, each.Name.Length) >= MinPart
                && (each.Name.Contains(name, StringComparison.OrdinalIgnoreCase) || name.Contains(each.Name, StringComparison.OrdinalIgnoreCase)))))
        .OrderByDescending(each => each.IsSimilar).ThenBy(each => each.Distance)
        .Select(each => (each.Name, each.IsSimilar))
        .FirstOrDefault();

    /// <summary>Whether one is the other with a letter or two typed wrong.</summary>
    public static bool AreSimilar(string left, string right) => Distance(left, right) <= MaxMistakes;

    /// <summary>Whether the section is one of ours, or one that is left to a library or the platform.</summary>
    public static bool IsKnown(string section) =>
        s_foreign.Contains(section, StringComparer.OrdinalIgnoreCase) || Sections.Contains(section, StringComparer.OrdinalIgnoreCase);

    // As the platform reads variables.
    private static string NameOf(string variable)
    {
        var name = variable.Replace("__", ":", StringComparison.Ordinal);
        var prefix = name.IndexOf(ConnectionPrefix, StringComparison.OrdinalIgnoreCase);
        return prefix > 0 && name[..prefix].All(char.IsAsciiLetter) ? $"{ConnectionStrings}:{name[(prefix + ConnectionPrefix.Length)..]}"
            : name.StartsWith($"{ConnectionStrings}:", StringComparison.OrdinalIgnoreCase) ? $"{ConnectionStrings}:{name[(ConnectionStrings.Length + 1)..]}"
            : name;
    }

    // Azure App Service gives each setting twice, the second time with a prefix.
    private static bool IsCopy(IConfigurationSection child, IConfiguration configuration) =>
        child.Key.StartsWith(CopyPrefix, StringComparison.OrdinalIgnoreCase)
        && Leaves(child).All(leaf => leaf.Value is not null && leaf.Value == configuration[leaf.Path[CopyPrefix.Length..]]);

    // A misspelt password is a password all the same.
    private static string Shown(string? value, string setting) => value is null ? "null"
        : IsSecret(setting) ? "***"
        : $"'{value.ReplaceLineEndings(" ")}'";

    private static bool IsSecret(string section, string name) =>
        s_sections.Value.TryGetValue(section, out var names) && names.Any(known => known.Value && Distance(known.Key, name) <= known.Key.Length / 3);

    /// <summary>The setting whose name this is with another separator than ':', or without one.</summary>
    private static string? Flattened(IConfigurationSection child)
    {
        // The variables that Kubernetes makes for a service named "tls-public" are not meant for us.
        if (child.Value is not { } value || ServiceLink().IsMatch(value))
        {
            return null;
        }

        var letters = Letters(child.Key);
        return s_sections.Value
            .SelectMany(section => section.Value.Keys.Select(name => $"{section.Key}:{name}"))
            .Where(setting => setting.Length - 1 is var length && letters.Length >= length
                && letters.StartsWith(Letters(setting), StringComparison.OrdinalIgnoreCase)
                && (letters.Length == length || char.IsAsciiDigit(letters[length])))
            .MaxBy(setting => setting.Length);
    }

    /// <summary>What in a section that nobody has is meant for one of ours: stands in it as a whole, or is written with more separators.</summary>
    private static IEnumerable<(IConfigurationSection Leaf, string Meant)> Nested(IConfigurationSection child)
    {
        foreach (var nested in child.GetChildren())
        {
            if (nested.GetChildren().Any(setting => Of(nested.Key).Contains(setting.Key, StringComparer.OrdinalIgnoreCase)))
            {
                foreach (var leaf in Leaves(nested))
                {
                    yield return (leaf, leaf.Path[(child.Path.Length + 1)..]);
                }
            }
            else if (nested.GetChildren().Any() || nested.Value is null)
            {
                foreach (var found in Nested(nested))
                {
                    yield return found;
                }
            }
            else if (Spread(nested.Path) is { } meant)
            {
                yield return (nested, meant);
            }
        }
    }

    /// <summary>The setting that has the letters of a path, from one of its parts on, but for a mistake or two: <c>Redis:Memory:RefuseAt</c>.</summary>
    private static string? Spread(string path)
    {
        var parts = path.Split(':');
        // The number of an item is no part of a name.
        var end = Array.FindIndex(parts, part => part.Length > 0 && part.All(char.IsAsciiDigit)) is > 0 and var number ? number : parts.Length;
        // One part alone may be what another program calls its own.
        for (var start = 0; start < end - 1; start++)
        {
            var letters = Letters(string.Concat(parts[start..end]));
            if (letters.Length >= MinSpread
                && s_sections.Value.SelectMany(section => section.Value.Keys.Select(name => $"{section.Key}:{name}"))
                    .Select(setting => (Setting: setting, Distance: Math.Abs(setting.Length - 1 - letters.Length) > MaxMistakes ? int.MaxValue : Distance(letters, Letters(setting))))
                    .MinBy(candidate => candidate.Distance) is { Distance: <= MaxMistakes } nearest)
            {
                return nearest.Setting;
            }
        }

        return null;
    }

    private static string? Misspelt(IConfigurationSection section)
    {
        var name = Letters(section.Key);
        if (name.Length < 3)
        {
            return null;
        }

        // What stands in it says more than how it is spelt.
        var similar = Sections
            .Where(known => section.GetChildren().Any(child => Of(known).Contains(child.Key, StringComparer.OrdinalIgnoreCase)))
            .Where(known => known.Contains(name, StringComparison.OrdinalIgnoreCase) || name.Contains(known, StringComparison.OrdinalIgnoreCase)
                || Distance(name, known) * 2 <= Math.Max(name.Length, known.Length))
            .MinBy(known => Distance(name, known));
        var nearest = Nearest(name, Sections)!;
        return similar ?? (name.Length >= 5 && Distance(name, nearest) is var distance && distance <= 2 && distance * 3 <= name.Length ? nearest : null);
    }

    private static string Letters(string name) => string.Concat(name.Where(char.IsLetterOrDigit));

    /// <summary>Letters to insert, remove or replace (Levenshtein).</summary>
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replaced = diagonal + (char.ToUpperInvariant(left[i - 1]) == char.ToUpperInvariant(right[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }

    // By section and name: whether it is a secret.
    private static Dictionary<string, Dictionary<string, bool>> Load()
    {
        using var stream = typeof(SettingNames).Assembly.GetManifestResourceStream("appsettings.schema.json")!;
        using var schema = JsonDocument.Parse(stream);
        return schema.RootElement.GetProperty("properties").EnumerateObject().ToDictionary(
            section => section.Name,
            section => section.Value.GetProperty("properties").EnumerateObject()
                .ToDictionary(setting => setting.Name, setting => setting.Value.TryGetProperty("writeOnly", out _), StringComparer.OrdinalIgnoreCase),
            StringComparer.OrdinalIgnoreCase);
    }

    [GeneratedRegex("^(tcp|udp|sctp)://", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex ServiceLink();
}
