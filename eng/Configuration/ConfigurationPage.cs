using System.Text;

namespace SseApp.ConfigurationDocs;

/// <summary>The page of all settings: a head that is written by hand, and what follows from the options classes.</summary>
internal static class ConfigurationPage
{
    public const string File = "docs/configuration.md";

    private const string Mark = "<!-- What follows is generated: dotnet run --project eng/Configuration -->\n";

    /// <exception cref="InvalidOperationException">The page has no mark of where the generated part begins.</exception>
    public static string Write(string page, IReadOnlyList<OptionSection> sections)
    {
        var end = page.IndexOf(Mark, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new InvalidOperationException($"{File} has lost the line after which the generated part begins: {Mark.TrimEnd()}");
        }

        var text = new StringBuilder(page[..end]).Append(Mark).Append("\n| Process | Sections that it reads |\n|---|---|\n");
        foreach (var process in sections.SelectMany(section => section.Processes).Distinct(StringComparer.Ordinal))
        {
            var names = sections.Where(section => section.Processes.Contains(process, StringComparer.Ordinal)).Select(section => section.Name).Distinct(StringComparer.Ordinal);
            text.Append($"| {process} | {string.Join(", ", names.Select(name => $"[{name}](#{name.ToLowerInvariant()})"))} |\n");
        }

        foreach (var group in sections.GroupBy(section => section.Name, StringComparer.Ordinal))
        {
            text.Append($"\n## {group.Key}\n");
            foreach (var section in group)
            {
                text.Append($"\n{Sentence($"{section.Meaning} Read by: {string.Join(", ", section.Processes)}.".TrimStart())}\n\n");
                text.Append("| Setting | Type | Default | Range | Meaning |\n|---|---|---|---|---|\n");
                foreach (var option in section.Options)
                {
                    text.Append($"| `{section.Name}:{option.Key}` | {option.Type} | {option.Default} | {Cell(option.Range)} | {Cell(Sentence(option.Meaning))} |\n");
                }
            }
        }

        return text.ToString();
    }

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string Cell(string text) => text.Replace("|", @"\|", StringComparison.Ordinal);
}
