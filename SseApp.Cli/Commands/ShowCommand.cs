using SseApp.Cli.Gateway;
using SseApp.Cli.Output;

namespace SseApp.Cli.Commands;

/// <summary><c>sse show</c>: everything known of one replica.</summary>
internal static class ShowCommand
{
    public static Command Create(Shared shared)
    {
        var replica = DrainCommands.Replica();
        return shared.ForOperators(
            new Command("show", "Shows everything known of one replica: its process, limits, settings that are not the defaults, its last restarts and their reasons.") { replica },
            async (parsed, client, printer, cancellationToken) =>
            {
                var details = await client.GetAsync($"/admin/replicas/{Uri.EscapeDataString(parsed.GetValue(replica)!)}", cancellationToken);
                if (printer.IsJson)
                {
                    printer.Json(details.WriteTo);
                }
                else
                {
                    Write(printer, details);
                }

                return ExitCode.Ok;
            });
    }

    private static void Write(Printer printer, JsonElement replica)
    {
        var table = Printer.Pairs();
        void Row(string name, string? value)
        {
            if (value is not null)
            {
                table.AddRow(Printer.Cell(name), Printer.Cell(value));
            }
        }

        Row("replica", replica.Text("id"));
        Row("address", replica.Text("address"));
        Row("state", $"{replica.Text("state")}, {replica.Text("health")}{(replica.Member("backup") is { ValueKind: JsonValueKind.True } ? ", backup" : "")}");
        Row("streams", $"{Format.Count(replica.Long("connections"))} open, {Format.Count(replica.Long("streams"))} by this gateway, {Format.Count(replica.Long("opened"))} opened and {Format.Count(replica.Long("refused"))} refused since its start");
        Row("weight", Format.Count(replica.Long("weight")));
        Row("started", $"{replica.Text("startedAt")}, {Format.Time(replica.Long("uptimeSeconds"))} ago");
        Row("version", replica.Text("version"));
        Row("delivery p99", replica.Number("deliveryP99Ms") is { } p99 ? $"{Format.Rate(p99)} ms" : null);
        if (replica.Member("process") is { } process)
        {
            var memory = process.Member("memory") ?? default;
            var limits = process.Member("limits") ?? default;
            Row("process", $"{process.Long("processId").ToString(CultureInfo.InvariantCulture)} on {process.Text("machine")}, .NET {process.Text("runtime")}, {(process.Long("processors") is not 1 and var cores ? $"{Format.Count(cores)} cores" : "1 core")}, {Format.Count(process.Long("threads"))} threads");
            Row("memory", $"{Format.Bytes(memory.Long("workingSet"))} resident, {Format.Bytes(memory.Long("managed"))} managed, {Format.Bytes(memory.Long("available"))} available, limit {(limits.Long("memory") is > 0 and var limit ? Format.Bytes(limit) : "none")}");
            Row("open files", process.Member("openFiles") is null ? null : $"{Format.Count(process.Long("openFiles"))} of {Format.Count(limits.Long("openFiles"))}");
            Row("rates", $"{Format.Rate(process.Member("rates")?.Number("published"))} events/s in, {Format.Rate(process.Member("rates")?.Number("delivered"))} out");
            Row("limits", $"{Format.Count(limits.Long("streams"))} streams, {Format.Count(limits.Long("topicsPerStream"))} topics each, {Format.Bytes(limits.Long("backlogBytes"))} backlog of a client");
        }
        else
        {
            Row("process", "the replica itself did not answer; the numbers above are those of its last heartbeat");
        }

        printer.Write(table);
        var settings = replica.Member("process") is { } known ? known.Items("settings").ToArray() : [];
        if (settings.Length > 0)
        {
            printer.Line("");
            var changed = Printer.Table("SETTING", "VALUE", "DEFAULT");
            foreach (var setting in settings)
            {
                changed.AddRow(Printer.Cell(setting.Text("name")), Printer.Cell(setting.Text("value")), Printer.Cell(setting.Text("default")));
            }

            printer.Write(changed);
        }

        printer.Line("");
        if (replica.Member("restarts") is not { } restarts)
        {
            printer.Line("Its restarts are not known: Redis, which has them, does not answer.");
        }
        else if (restarts.GetArrayLength() == 0)
        {
            printer.Line("No restart within a day.");
        }
        else
        {
            var rows = Printer.Table("RESTARTED", "REASON", "EXIT CODE#", "STAGE");
            foreach (var restart in restarts.EnumerateArray())
            {
                rows.AddRow(
                    Printer.Cell(restart.Text("at")),
                    Printer.Cell(restart.Text("reason")),
                    Printer.Cell(restart.Member("exitCode") is null ? null : restart.Long("exitCode").ToString(CultureInfo.InvariantCulture)),
                    Printer.Cell(restart.Text("stage")));
            }

            printer.Write(rows);
        }
    }
}
