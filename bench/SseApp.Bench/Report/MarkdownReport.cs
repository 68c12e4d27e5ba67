using SseApp.Bench.Compare;

namespace SseApp.Bench.Report;

/// <summary>The results as a page: ratios first, then what was measured, then under which conditions.</summary>
internal sealed class MarkdownReport(
    ComparisonOptions options,
    Workspace workspace,
    IReadOnlyList<Subject> subjects,
    IReadOnlyList<IScenario> scenarios,
    List<Measurement> results,
    List<string> remarks)
{
    /// <summary>One row in words, for the console.</summary>
    public static string Line(Measurement row)
    {
        string?[] figures =
        [
            Figure(row.DeliveriesPerSecond, "#,0", "/s"),
            Figure(row.CpuPerDelivery, "0.00", " µs CPU"),
            Figure(row.GeneratorCpuPerDelivery, "0.00", " µs of the generator's"),
            Figure(row.P50, "0.0", " ms p50"),
            Figure(row.P99, "0.0", " ms p99"),
            Figure(row.FirstByteP99, "0.0", " ms p99 to the first byte"),
            Figure(row.KiBPerStream, "0.0", " KiB/stream"),
            Figure(row.ConnectsPerSecond, "#,0", " connects/s"),
            Figure(row.WholeAfter, "0.00", " s until all are whole"),
            Figure(row.OpeningP99, "#,0", " ms p99 of an opening"),
            Figure(row.CpuPerStream, "0", " µs CPU a stream"),
            Figure(row.PublishP99, "0.0", " ms p99 of a publish"),
            row.Errors is > 0 ? $"{row.Errors} errors" : null,
            row.Refusals is > 0 ? $"{row.Refusals} refused" : null,
            row.Clean ? null : $"{row.Lost} lost, {row.Duplicates} duplicate, {row.Reordered} reordered",
            row.Note,
        ];
        return $"{row.Scenario} · {row.Step} · {row.Subject}: {string.Join(", ", figures.Where(figure => figure is not null))}";
    }

    public string Create()
    {
        var page = new StringBuilder("# Results\n\nWritten by the comparison runner; ratios within one run on one machine carry over, absolute figures do not.\n\n");
        page.Append("![Bars of the main figures](results.svg)\n\n");
        Ratios(page);
        foreach (var scenario in scenarios.Where(scenario => results.Exists(row => row.Scenario == scenario.Name)))
        {
            Table(page, scenario);
        }

        page.Append("Latency is from sending the publish request to reading the event. CPU is the time of all server processes, Redis included, for one delivery. ");
        page.Append("Memory is resident (shared pages divided by their users), without the kernel's socket buffers. Lost, duplicate and reordered count the whole session of a row's subject; a row without counts had none.\n\n");
        Conditions(page);
        return page.ToString();
    }

    private void Ratios(StringBuilder page)
    {
        var rows = Ratio.All.Select(ratio => ratio.Row(results)).Concat(Added.All.Select(added => added.Row(results))).OfType<string>().ToList();
        if (rows.Count > 0)
        {
            page.Append("## Ratios\n\n| SseApp's … | ratio | target | met | figures |\n|---|---:|---:|---|---|\n");
            rows.ForEach(row => page.Append(row).Append('\n'));
            page.Append('\n');
        }
    }

    private void Table(StringBuilder page, IScenario scenario)
    {
        var rows = results.Where(row => row.Scenario == scenario.Name).ToList();
        List<(string Head, Func<Measurement, string?> Cell)> columns =
        [
            ("deliveries/s", row => Figure(row.DeliveriesPerSecond, "#,0", "")),
            ("CPU µs / delivery", row => Figure(row.CpuPerDelivery, "0.00", "")),
            ("added µs", row => Figure(row.AddedCpu, "+0.00;-0.00", "")),
            ("p50 ms", row => Figure(row.P50, "0.0", "")),
            ("p99 ms", row => Figure(row.P99, "0.0", "")),
            ("first byte p50 ms", row => Figure(row.FirstByteP50, "0.0", "")),
            ("first byte p99 ms", row => Figure(row.FirstByteP99, "0.0", "")),
            ("first byte added ms", row => Figure(row.AddedFirstByte, "+0.0;-0.0", "")),
            ("KiB / stream", row => Figure(row.KiBPerStream, "0.0", "")),
            ("added KiB", row => Figure(row.AddedKiB, "+0.0;-0.0", "")),
            ("connects/s", row => Figure(row.ConnectsPerSecond, "#,0", "")),
            ("s until all are whole", row => Figure(row.WholeAfter, "0.00", "")),
            ("opening p50 ms", row => Figure(row.OpeningP50, "#,0", "")),
            ("opening p99 ms", row => Figure(row.OpeningP99, "#,0", "")),
            ("CPU µs / stream", row => Figure(row.CpuPerStream, "0", "")),
            ("publish p99 ms", row => Figure(row.PublishP99, "0.0", "")),
            ("errors", row => Figure(row.Errors, "#,0", "")),
            ("refused", row => Figure(row.Refusals, "#,0", "")),
            ("lost", row => row.Clean ? null : Figure(row.Lost, "#,0", "")),
            ("duplicate", row => row.Clean ? null : Figure(row.Duplicates, "#,0", "")),
            ("reordered", row => row.Clean ? null : Figure(row.Reordered, "#,0", "")),
            ("note", row => row.Note?.Replace('|', '/').Replace("\r", "", StringComparison.Ordinal).Replace('\n', ' ')),
        ];
        columns.RemoveAll(column => rows.TrueForAll(row => column.Cell(row) is null));
        page.Append(CultureInfo.InvariantCulture, $"## {scenario.Title}\n\n");
        foreach (var step in rows.Select(row => row.Step).Distinct(StringComparer.Ordinal))
        {
            page.Append(CultureInfo.InvariantCulture, $"| {step} | streams | {string.Join(" | ", columns.Select(column => column.Head))} |\n");
            page.Append(CultureInfo.InvariantCulture, $"|---|---:|{string.Concat(columns.Select(_ => "---:|"))}\n");
            foreach (var row in rows.Where(row => row.Step == step))
            {
                var cells = columns.Select(column => column.Cell(row) ?? "");
                page.Append(CultureInfo.InvariantCulture, $"| {row.Subject} | {row.Streams:#,0} | {string.Join(" | ", cells)} |\n");
            }

            page.Append('\n');
        }
    }

    private void Conditions(StringBuilder page)
    {
        page.Append("## Conditions\n\n");
        page.Append(CultureInfo.InvariantCulture, $"- Command: `dotnet run -c {Workspace.Configuration} --project bench/SseApp.Bench -- {string.Join(' ', Environment.GetCommandLineArgs().Skip(1).Select(Quote))}`\n");
        page.Append(CultureInfo.InvariantCulture, $"- Date: {TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, commit {Machine.Commit(workspace) ?? "unknown"}; load average at the end {Preflight.LoadAverage():0.00}\n");
        page.Append(CultureInfo.InvariantCulture, $"- Machine: {Machine.Describe()}\n");
        page.Append(CultureInfo.InvariantCulture, $"- Programs: {string.Join("; ", Machine.Versions(workspace))}\n");
        page.Append(CultureInfo.InvariantCulture, $"- Servers on core {options.ServerCore} (-1: not pinned), generator on core {options.GeneratorCore}; loopback; {options.Size} bytes of data an event\n");
        foreach (var subject in subjects)
        {
            page.Append(CultureInfo.InvariantCulture, $"- `{subject.Name}`: {subject.Description}\n");
        }

        foreach (var remark in remarks.Append(options.Note).OfType<string>())
        {
            page.Append(CultureInfo.InvariantCulture, $"- {remark.ReplaceLineEndings(" ")}\n");
        }
    }

    private static string Quote(string argument) => argument.Contains(' ') ? $"'{argument}'" : argument;

    private static string? Figure(double? value, string format, string unit) =>
        value?.ToString(format, CultureInfo.InvariantCulture) + (value is null ? null : unit) is { Length: > 0 } text ? text : null;
}
