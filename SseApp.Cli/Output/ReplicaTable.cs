using SseApp.Cli.Gateway;

namespace SseApp.Cli.Output;

/// <summary>Replicas as the operator API lists them.</summary>
internal static class ReplicaTable
{
    public static Sheet Of(IEnumerable<JsonElement> replicas, bool withRates)
    {
        string[] columns = ["REPLICA", "STATE", "HEALTH", "STREAMS#", .. withRates ? (string[])["IN/s#", "OUT/s#"] : [], "MEMORY#?", "UPTIME#?", .. withRates ? (string[])[] : ["VERSION?"]];
        var table = Printer.Table(columns);
        foreach (var replica in replicas)
        {
            var state = replica.Text("state");
            var health = replica.Text("health");
            IRenderable[] rates = withRates ? [Printer.Cell(Format.Rate(replica.Number("published"))), Printer.Cell(Format.Rate(replica.Number("delivered")))] : [];
            table.AddRow([
                Printer.Cell(replica.Text("id")),
                Printer.Cell(state, state == "ready" ? Color.Green : Color.Yellow),
                Printer.Cell(health, health switch { "healthy" => Color.Green, "unhealthy" => Color.Red, _ => null }),
                Printer.Cell(Format.Count(withRates ? replica.Long("open") : replica.Long("connections"))),
                .. rates,
                Printer.Cell(Format.Bytes(replica.Long("workingSet"))),
                Printer.Cell(Format.Time(replica.Long("uptimeSeconds"))),
                .. withRates ? (IRenderable[])[] : [Printer.Cell(Short(replica.Text("version")))],
            ]);
        }

        return table;
    }

    // Of the commit seven digits, as git shows them.
    private static string? Short(string? version) =>
        version?.IndexOf('+', StringComparison.Ordinal) is >= 0 and var plus && version.Length > plus + 8 ? version[..(plus + 8)] : version;

    public static Color? OfHealth(string? health) => health switch
    {
        "healthy" => Color.Green,
        "degraded" => Color.Yellow,
        _ => Color.Red,
    };
}
