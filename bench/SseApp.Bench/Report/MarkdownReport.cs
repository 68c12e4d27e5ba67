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
        var page = new StringBuilder("# Results\n\nWritten by the comparison runner; ratios within one run on one machine carry over, absolute figures do not. Where there are several runs, a figure is their median, with the least and the most.\n\n");
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
        var rows = Ratio.All.Select(ratio => ratio.Row(results)).Concat(Added.All.Select(added => added.Row(results, options.Transport))).Concat(Floor.All.Select(floor => floor.Row(results))).OfType<string>().ToList();
        if (rows.Count > 0)
        {
            page.Append("## Ratios\n\n| SseApp's … | ratio | target | met | figures |\n|---|---:|---:|---|---|\n");
            rows.ForEach(row => page.Append(row).Append('\n'));
            page.Append('\n');
        }
    }

    private void Table(StringBuilder page, IScenario scenario)
    {
        var groups = results.Where(row => row.Scenario == scenario.Name).GroupBy(row => (row.Step, row.Subject)).ToList();
        List<(string Head, Func<IEnumerable<Measurement>, string?> Cell)> columns =
        [
            Column("deliveries/s", "#,0", row => row.DeliveriesPerSecond),
            Column("CPU µs / delivery", "0.00", row => row.CpuPerDelivery),
            Column("added µs", "+0.00;-0.00", row => row.AddedCpu),
            Column("p50 ms", "0.0", row => row.P50),
            Column("p99 ms", "0.0", row => row.P99),
            Column("first byte p50 ms", "0.0", row => row.FirstByteP50),
            Column("first byte p99 ms", "0.0", row => row.FirstByteP99),
            Column("first byte added ms", "+0.0;-0.0", row => row.AddedFirstByte),
            Column("KiB / stream", "0.0", row => row.KiBPerStream),
            Column("added KiB", "+0.0;-0.0", row => row.AddedKiB),
            Column("connects/s", "#,0", row => row.ConnectsPerSecond),
            Column("s until all are whole", "0.00", row => row.WholeAfter),
            Column("opening p50 ms", "#,0", row => row.OpeningP50),
            Column("opening p99 ms", "#,0", row => row.OpeningP99),
            Column("CPU µs / stream", "0", row => row.CpuPerStream),
            Column("publish p99 ms", "0.0", row => row.PublishP99),
            Column("errors", "#,0", row => row.Errors),
            Column("refused", "#,0", row => row.Refusals),
            Column("lost", "#,0", row => row.Clean ? null : row.Lost),
            Column("duplicate", "#,0", row => row.Clean ? null : row.Duplicates),
            Column("reordered", "#,0", row => row.Clean ? null : row.Reordered),
            ("note", rows => Note(rows)),
        ];
        columns.RemoveAll(column => groups.TrueForAll(group => column.Cell(group) is null));
        page.Append(CultureInfo.InvariantCulture, $"## {scenario.Title}\n\n");
        foreach (var step in groups.Select(group => group.Key.Step).Distinct(StringComparer.Ordinal))
        {
            page.Append(CultureInfo.InvariantCulture, $"| {step} | runs | streams | {string.Join(" | ", columns.Select(column => column.Head))} |\n");
            page.Append(CultureInfo.InvariantCulture, $"|---|---:|---:|{string.Concat(columns.Select(_ => "---:|"))}\n");
            foreach (var group in groups.Where(group => group.Key.Step == step))
            {
                var cells = columns.Select(column => column.Cell(group) ?? "");
                page.Append(CultureInfo.InvariantCulture, $"| {group.Key.Subject} | {group.Count()} | {group.First().Streams:#,0} | {string.Join(" | ", cells)} |\n");
            }

            page.Append('\n');
        }
    }

    private static (string Head, Func<IEnumerable<Measurement>, string?> Cell) Column(string head, string format, Func<Measurement, double?> figure) =>
        (head, rows => Medians.Text(rows, figure, format));

    private static string? Note(IEnumerable<Measurement> rows) =>
        string.Join("; ", rows.Select(row => row.Note).OfType<string>().Distinct(StringComparer.Ordinal))
            .Replace('|', '/').Replace("\r", "", StringComparison.Ordinal).Replace('\n', ' ') is { Length: > 0 } note ? note : null;

    private void Conditions(StringBuilder page)
    {
        page.Append("## Conditions\n\n");
        page.Append(CultureInfo.InvariantCulture, $"- Command: `dotnet run -c {Workspace.Configuration} --project bench/SseApp.Bench -- {string.Join(' ', Environment.GetCommandLineArgs().Skip(1).Select(Quote))}`\n");
        page.Append(CultureInfo.InvariantCulture, $"- Date: {TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, commit {Machine.Commit(workspace) ?? "unknown"}; load average at the end {Preflight.LoadAverage():0.00}\n");
        page.Append(CultureInfo.InvariantCulture, $"- Machine: {Machine.Describe()}\n");
        page.Append(CultureInfo.InvariantCulture, $"- Programs: {string.Join("; ", Machine.Versions(workspace))}\n");
        page.Append(CultureInfo.InvariantCulture, $"- Servers on core {options.ServerCore} (-1: not pinned), generator on core {options.GeneratorCore}; loopback; {options.Size} bytes of data an event{(options.Transport switch { Transport.Tls => "; clients speak HTTP/1.1 over TLS 1.3", Transport.H2 => "; clients speak HTTP/2 over TLS 1.3, a connection each, and publishers HTTP/1.1 over it", _ => "" })}\n");
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
