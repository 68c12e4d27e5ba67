using System.Text.RegularExpressions;

namespace SseApp.Tests.Docs;

/// <summary>The board for Grafana, as its file has it.</summary>
internal sealed partial class Board
{
    public const string File = "deploy/monitoring/grafana/dashboards/sseapp.json";

    private readonly JsonElement _root;

    private Board(JsonElement root) => _root = root;

    public JsonElement Root => _root;

    /// <summary>All panels; rows are in it.</summary>
    public IReadOnlyList<JsonElement> Panels => [.. _root.GetProperty("panels").EnumerateArray()];

    /// <summary>Every query of panels and annotations, with the name of what shows it.</summary>
    public IReadOnlyList<(string Name, string Query)> Queries =>
    [
        .. Panels.Where(panel => panel.TryGetProperty("targets", out _)).SelectMany(panel => panel.GetProperty("targets").EnumerateArray()
            .Select(target => ($"{panel.GetProperty("title").GetString()} {target.GetProperty("refId").GetString()}", target.GetProperty("expr").GetString()!))),
        .. _root.GetProperty("annotations").GetProperty("list").EnumerateArray().Where(annotation => annotation.TryGetProperty("expr", out _))
            .Select(annotation => ($"annotation {annotation.GetProperty("name").GetString()}", annotation.GetProperty("expr").GetString()!)),
    ];

    /// <summary>The variables whose values are those of a label: their name, the metric and the label.</summary>
    public IReadOnlyList<(string Name, string Metric, string Label)> LabelVariables =>
    [
        .. _root.GetProperty("templating").GetProperty("list").EnumerateArray().Where(variable => variable.GetProperty("type").GetString() == "query")
            .Select(variable => (Variable: variable, Query: LabelValues().Match(variable.GetProperty("query").GetProperty("query").GetString()!)))
            .Select(each => (each.Variable.GetProperty("name").GetString()!, each.Query.Groups["metric"].Value, each.Query.Groups["label"].Value)),
    ];

    public static async Task<Board> ReadAsync() => new(JsonElement.Parse(await DocsFolder.ReadAsync(File)));

    [GeneratedRegex(@"^label_values\((?<metric>.+), (?<label>\w+)\)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LabelValues();
}
