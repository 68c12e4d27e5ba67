using System.Text.RegularExpressions;
using SseApp.ConfigurationDocs;
using SseApp.Tests.Architecture;

namespace SseApp.Tests.Docs;

/// <summary>What every page promises: links that lead somewhere, settings that exist.</summary>
public sealed partial class PagesTests
{
    [Fact]
    public async Task Every_link_leads_to_a_file_and_a_heading()
    {
        var broken = new List<string>();
        foreach (var page in DocsFolder.Pages())
        {
            foreach (Match link in Link().Matches(await DocsFolder.ReadAsync(page)))
            {
                var (path, anchor) = (link.Groups["path"].Value, link.Groups["anchor"].Value);
                var target = path.Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, path);
                var exists = Path.Exists(Path.Combine(DocsFolder.Root(), target));
                if (!exists || (anchor.Length > 0 && !Anchors(await DocsFolder.ReadAsync(target)).Contains(anchor, StringComparer.Ordinal)))
                {
                    broken.Add($"{page}: {link.Value}");
                }
            }
        }

        Assert.Empty(broken);
    }

    [Theory]
    [InlineData("docs/from-nginx.md", 25)]
    [InlineData("docs/operations.md", 12)]
    public async Task Every_test_that_a_page_names_as_proof_exists(string page, int atLeast)
    {
        var methods = typeof(PagesTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods().Select(method => $"{type.Name}.{method.Name}"))
            .ToHashSet(StringComparer.Ordinal);
        var named = NamedTest().Matches(await DocsFolder.ReadAsync(page)).Select(match => match.Groups["test"].Value).ToArray();

        Assert.True(named.Length > atLeast, $"Only {named.Length} tests were found on {page}.");
        Assert.DoesNotContain(named, name => !methods.Contains(name));
    }

    [Fact]
    public async Task Every_setting_that_a_page_names_exists()
    {
        var sections = OptionCatalog.Read();
        var known = sections.SelectMany(section => section.Options.Select(option => $"{section.Name}:{option.Key}"))
            .SelectMany(key => new[] { key, key.Replace(":n", "", StringComparison.Ordinal), key.Replace(":name", "", StringComparison.Ordinal) }).ToHashSet(StringComparer.Ordinal);
        var unknown = new List<string>();
        // Decisions are history: they keep the names of their day.
        foreach (var page in DocsFolder.Pages().Where(page => !page.Contains("/decisions/", StringComparison.Ordinal)))
        {
            unknown.AddRange(Setting().Matches(await DocsFolder.ReadAsync(page))
                .Select(match => match.Groups["key"].Value.Replace("__", ":", StringComparison.Ordinal))
                .Where(key => sections.Any(section => key.StartsWith($"{section.Name}:", StringComparison.Ordinal)) && !known.Contains(key))
                .Select(key => $"{page}: {key}"));
        }

        Assert.Empty(unknown);
    }

    [Fact]
    public async Task Every_status_that_the_services_answer_is_in_the_list()
    {
        var page = await DocsFolder.ReadAsync("docs/protocol.md");
        var list = page[page.IndexOf("\n## Every status", StringComparison.Ordinal)..];
        var answered = ((string[])["SseApp.Events", "SseApp.Gateway", "SseApp.ServiceDefaults"])
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(DocsFolder.Root(), project), "*.cs", SearchOption.AllDirectories))
            .SelectMany(file => Status().Matches(File.ReadAllText(file)).Select(match => match.Groups["status"].Value))
            // The platform's own for files: a folder without its slash, parts, conditions.
            .Concat(["206", "301", "304", "412", "416"])
            .Distinct(StringComparer.Ordinal);

        var rows = list.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|')[1]).ToArray();
        Assert.All(answered, status => Assert.Contains(rows, row => row.Contains($"`{status}`", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_map_has_the_order_of_the_floors()
    {
        var sections = (await DocsFolder.ReadAsync("CONTRIBUTING.md")).Split("\n### ");
        foreach (var (project, floors) in FloorTests.s_floors)
        {
            var section = Assert.Single(sections, section => section.StartsWith($"{project}\n", StringComparison.Ordinal));
            Assert.Equal(floors.Reverse(), Folder().Matches(section).Select(match => match.Groups["name"].Value.Replace('/', '.')));
        }
    }

    [Fact]
    public async Task Every_decision_has_its_number_in_the_heading_and_stands_in_the_index()
    {
        var index = await DocsFolder.ReadAsync("docs/decisions/README.md");
        foreach (var page in DocsFolder.Pages().Where(page => page.StartsWith("docs/decisions/0", StringComparison.Ordinal)))
        {
            var file = Path.GetFileName(page);
            var (number, heading) = (int.Parse(file[..4], CultureInfo.InvariantCulture), (await DocsFolder.ReadAsync(page)).Split('\n')[0]);

            Assert.StartsWith($"# {number}. ", heading, StringComparison.Ordinal);
            Assert.Contains($"| {number} | [{heading[$"# {number}. ".Length..]}]({file}) |", index, StringComparison.Ordinal);
        }
    }

    /// <summary>As GitHub makes them of headings.</summary>
    /// <summary>Of the headings of a page.</summary>
    internal static IEnumerable<string> Anchors(string page) => Heading().Matches(page)
        .Select(match => NoAnchor().Replace(match.Groups["text"].Value.ToLowerInvariant(), "").Replace(' ', '-'));

    [GeneratedRegex("`(?<test>[A-Za-z0-9]+Tests\\.[A-Za-z0-9_]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"\]\((?!https?:)(?<path>[^)#\s]*)(#(?<anchor>[^)\s]+))?\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();

    [GeneratedRegex("^#{1,6} (?<text>.+)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"StatusCodes\.Status(?<status>\d{3})", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Status();

    [GeneratedRegex(@"[^\w\- ]", RegexOptions.None, 1000)]
    private static partial Regex NoAnchor();

    [GeneratedRegex("^\\| `(?<name>[A-Za-z/]+)` \\|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Folder();

    [GeneratedRegex("`(--)?(?<key>[A-Z][A-Za-z0-9]*((:|__)[A-Za-z][A-Za-z0-9]*)+)(=[^`]*)?`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Setting();
}
