using System.Text.RegularExpressions;
using SseApp.ConfigurationDocs;

namespace SseApp.Tests.Docs;

/// <summary>What a deployment may say to the services' image: the settings that there are, by the names of their variables, and its port.</summary>
internal static partial class ServiceImage
{
    /// <summary>All settings; the number of an item is <c>n</c>.</summary>
    public static HashSet<string> Settings() =>
        OptionCatalog.Read().SelectMany(section => section.Options.Select(option => $"{section.Name}:{option.Key}")).ToHashSet(StringComparer.Ordinal);

    /// <summary>The setting that a variable is, as <see cref="Settings"/> names it.</summary>
    public static string SettingOf(string variable) => Number().Replace(variable.Replace("__", ":", StringComparison.Ordinal), ":n");

    /// <summary>Where it listens for clients.</summary>
    public static async Task<int> PortAsync() =>
        int.Parse(HttpPort().Match(await DocsFolder.ReadAsync("eng/Container.targets")).Groups["port"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("Include=\"ASPNETCORE_HTTP_PORTS\" Value=\"(?<port>[0-9]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HttpPort();

    [GeneratedRegex(":[0-9]+", RegexOptions.None, 1000)]
    private static partial Regex Number();
}
