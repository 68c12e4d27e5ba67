namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// The arguments of a process. The framework takes <c>--Section:Name=value</c>, <c>--Section:Name value</c>, both with <c>/</c>, and
/// <c>Section:Name=value</c>; an argument that is none of them it leaves out in silence, or takes for the value of the one before.
/// </summary>
internal static class Arguments
{
    private const string Form = "--Section:Name=value";

    /// <summary>What the host and the server read themselves, and is in no section.</summary>
    private static readonly string[] s_host =
    [
        "urls", "http_ports", "https_ports", "https_port", "environment", "contentRoot", "webRoot", "applicationName", "startupAssembly", "detailedErrors",
        "captureStartupErrors", "suppressStatusMessages", "shutdownTimeoutSeconds", "preferHostingUrls", "preventHostingStartup", "hostingStartupAssemblies",
        "hostingStartupExcludeAssemblies", "hostBuilder", "forwardedHeaders_Enabled",
    ];

    /// <summary>A line for each argument that would be left out, or that is the value of another by mistake.</summary>
    public static IEnumerable<string> Problems(IReadOnlyList<string> args)
    {
        var settings = new List<(string Name, string Value)>();
        for (var i = 0; i < args.Count; i++)
        {
            var argument = args[i];
            var (prefix, rest) = Split(argument);
            var equals = rest.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? rest : rest[..equals];
            if (Problem(args, i, prefix, name, equals >= 0) is { } problem)
            {
                yield return problem;
                // The rest may be its value.
                continue;
            }

            settings.Add((name, equals < 0 ? args[++i] : rest[(equals + 1)..]));
        }

        foreach (var twice in settings.GroupBy(setting => setting.Name, StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Select(setting => setting.Value).Distinct(StringComparer.Ordinal).Skip(1).Any()))
        {
            yield return $"The argument --{twice.Key} is there {twice.Count()} times, with different values; keep one of them.";
        }
    }

    /// <summary>The settings that nobody reads: not ours, not those of a library or of the host.</summary>
    public static IEnumerable<string> Unknown(IReadOnlyList<string> args)
    {
        for (var i = 0; i < args.Count; i++)
        {
            var (_, rest) = Split(args[i]);
            var equals = rest.IndexOf('=', StringComparison.Ordinal);
            i += equals < 0 ? 1 : 0;
            var name = equals < 0 ? rest : rest[..equals];
            if (!SettingNames.IsKnown(name.Split(':')[0]) && !s_host.Contains(name.Split(':')[0], StringComparer.OrdinalIgnoreCase))
            {
                yield return name;
            }
        }
    }

    /// <summary>The line about an argument that nobody reads.</summary>
    public static string Unread(string name) => SettingNames.Called(name) is { } meant
        ? $"The argument --{name} is no setting; did you mean --{meant}=<value>?"
        : $"The argument --{name} is no setting, and nobody reads it; take it away, or write {Form} with one of the sections {string.Join(", ", SettingNames.Sections.Order(StringComparer.Ordinal))}.";

    private static string? Problem(IReadOnlyList<string> args, int index, string prefix, string name, bool hasValue)
    {
        var argument = args[index];
        if (string.IsNullOrWhiteSpace(argument))
        {
            return $"Argument {index + 1} is empty; take it away.";
        }

        if (argument == "--")
        {
            return $"The argument '--' belongs to 'dotnet run'; leave it out here, where it would take what follows for its value, and write {Form}.";
        }

        if (prefix == "-")
        {
            return $"The argument '-{name}' begins with one dash, as no setting does; write {(IsName(name) ? $"--{name}=<value>" : Form)}.";
        }

        if (prefix.Length == 0 && !hasValue)
        {
            // It may be a value that came loose from its name, and that a password.
            var shown = IsName(argument) || index == 0 || !IsSecret(args[index - 1]) ? $"'{argument.ReplaceLineEndings(" ")}'" : "***";
            var meant = IsName(argument) ? $"--{argument}=<value>" : $"{Form}, without spaces beside the '='";
            return $"The argument {shown} is neither a setting nor the value of one; write {meant}.";
        }

        if (name.Length == 0 || name.Split(':').Any(string.IsNullOrWhiteSpace))
        {
            var whole = string.Join(':', name.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            return $"The argument '{prefix}{name}' has an empty part in its name; write {(whole.Length > 0 ? $"--{whole}=<value>" : Form)}.";
        }

        if (hasValue)
        {
            return null;
        }

        return index + 1 == args.Count ? $"The argument '{argument}' has no value; write --{name}=<value>."
            : IsSetting(args[index + 1]) ? $"The argument '{argument}' has no value, and would take the argument after it, {Shown(args[index + 1])}, for one; write --{name}=<value>."
            : null;
    }

    // What follows a name without '=' is its value, unless it is meant to be a setting itself: "--Access:Deny --Cors:Origins=…".
    private static bool IsSetting(string argument)
    {
        var (prefix, rest) = Split(argument);
        return prefix is "-" or "--" || IsName(rest.Split('=')[0]);
    }

    private static string Shown(string argument) => $"'{argument.Split('=')[0].ReplaceLineEndings(" ")}'";

    private static bool IsName(string text) => text.Split(':') is [var section, _, ..] && SettingNames.IsKnown(section);

    private static bool IsSecret(string argument) => SettingTypes.IsSecret(argument.Split('=')[0].Replace(":", "", StringComparison.Ordinal))
        || SettingNames.IsSecret(Split(argument).Setting.Split('=')[0]);

    private static (string Prefix, string Setting) Split(string argument)
    {
        var prefix = argument.StartsWith("--", StringComparison.Ordinal) ? "--" : argument.StartsWith('-') ? "-" : argument.StartsWith('/') ? "/" : "";
        return (prefix, argument[prefix.Length..]);
    }
}
