using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Json.Schema;

namespace SseApp.Tests.Docs;

/// <summary>The board for Grafana, which cannot run here: its form. What its queries give is asked of a real Prometheus, in MonitoringTests.</summary>
public sealed partial class BoardTests
{
    private const int Columns = 24;

    // Made of the types that Grafana publishes; eng/GrafanaSchema says how.
    private static readonly Lazy<JsonSchema> s_schema = new(() => JsonSchema.FromFile(Path.Combine(DocsFolder.Root(), "eng/GrafanaSchema/board.schema.json")));

    [Fact]
    public async Task It_has_the_form_that_Grafana_reads()
    {
        var board = JsonNode.Parse(await DocsFolder.ReadAsync(Board.File))!;
        Assert.True(Problems(board).Count == 0, string.Join('\n', Problems(board)));

        // The schema is closed: what Grafana would ignore in silence is found.
        board["panels"]![1]!["fieldConfig"]!["defaults"]!["units"] = "s";
        Assert.NotEmpty(Problems(board));
    }

    [Fact]
    public async Task Panels_have_a_place_of_their_own_a_unit_a_description_and_the_chosen_data_source()
    {
        var board = await Board.ReadAsync();
        var taken = new HashSet<(int X, int Y)>();
        Assert.Equal(board.Panels.Count, board.Panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.All(board.Panels, panel =>
        {
            var place = panel.GetProperty("gridPos");
            var (x, y, width, height) = (place.GetProperty("x").GetInt32(), place.GetProperty("y").GetInt32(), place.GetProperty("w").GetInt32(), place.GetProperty("h").GetInt32());
            Assert.InRange(x + width, 1, Columns);
            Assert.All(Enumerable.Range(0, width * height), cell => Assert.True(taken.Add((x + (cell % width), y + (cell / width))), "Two panels overlap."));
        });
        Assert.All(board.Panels.Where(panel => panel.GetProperty("type").GetString() != "row"), panel =>
        {
            Assert.False(string.IsNullOrEmpty(panel.GetProperty("description").GetString()));
            Assert.Matches("\"unit\": ?\"\\w+\"", panel.GetRawText());
            var targets = panel.GetProperty("targets").EnumerateArray().ToArray();
            Assert.Equal(targets.Length, targets.Select(target => target.GetProperty("refId").GetString()).Distinct(StringComparer.Ordinal).Count());
            Assert.All(targets.Append(panel), each => Assert.Equal("${datasource}", each.GetProperty("datasource").GetProperty("uid").GetString()));
        });
    }

    [Fact]
    public async Task It_shows_each_part_and_every_link_leads_to_a_heading_of_the_docs()
    {
        var board = await Board.ReadAsync();
        Assert.Equal(
            ["Overview", "Latency", "Resume and gaps", "Replicas: $replica", "Gateways: $gateway", "Redis", "History", "Canary"],
            board.Panels.Where(panel => panel.GetProperty("type").GetString() == "row").Select(panel => panel.GetProperty("title").GetString()));
        Assert.Equal(["gateway", "replica"], board.LabelVariables.Select(variable => variable.Name).Order(StringComparer.Ordinal));

        var links = Link().Matches(board.Root.GetRawText());
        Assert.NotEmpty(links);
        foreach (Match link in links)
        {
            var page = await DocsFolder.ReadAsync($"docs/{link.Groups["page"].Value}");
            Assert.True(link.Groups["anchor"].Length == 0 || PagesTests.Anchors(page).Contains(link.Groups["anchor"].Value, StringComparer.Ordinal), link.Value);
        }
    }

    private static List<string> Problems(JsonNode board)
    {
        var result = s_schema.Value.Evaluate(JsonSerializer.SerializeToElement(board), new EvaluationOptions { OutputFormat = OutputFormat.List });
        return result.IsValid ? [] : [.. result.Details!.Where(detail => detail.Errors is not null).Take(50).Select(detail => $"{detail.InstanceLocation}: {string.Join("; ", detail.Errors!.Values)}")];
    }

    [GeneratedRegex(@"\$\{docs\}/(?<page>[\w.-]+)(#(?<anchor>[\w-]+))?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();
}
