using System.Text.Json;
using System.Text.Json.Serialization;
using SseApp.Bench.Compare;

namespace SseApp.Bench.Report;

/// <summary>Rows of earlier commands, of one commit: a report of several short runs.</summary>
/// <param name="Commit">That was measured.</param>
/// <param name="Rows">All of them.</param>
internal sealed record KeptRows(string Commit, List<Measurement> Rows)
{
    /// <summary>Adds what is kept of the same commit to the rows, and keeps all of them.</summary>
    public static void Merge(Workspace workspace, List<Measurement> rows)
    {
        var path = Path.Combine(workspace.Artifacts, "rows.json");
        var commit = Machine.Commit(workspace) ?? "unknown";
        if (File.Exists(path) && JsonSerializer.Deserialize(File.ReadAllText(path), RowsJsonContext.Default.KeptRows) is { } kept && kept.Commit == commit)
        {
            rows.InsertRange(0, kept.Rows);
        }

        File.WriteAllText(path, JsonSerializer.Serialize(new KeptRows(commit, rows), RowsJsonContext.Default.KeptRows));
    }
}

[JsonSerializable(typeof(KeptRows))]
internal sealed partial class RowsJsonContext : JsonSerializerContext;
