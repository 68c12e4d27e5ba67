using System.Security;
using SseApp.Bench.Compare;

namespace SseApp.Bench.Report;

/// <summary>The main figures as bars, one panel a figure, ours in colour.</summary>
internal static class SvgChart
{
    private const int Width = 760;
    private const int LabelWidth = 150;
    private const int BarHeight = 18;
    private const int Gap = 6;
    private const int TitleHeight = 34;

    private static readonly (string Title, string Scenario, string Step, Func<Measurement, double?> Figure, string Format)[] s_panels =
    [
        ("Deliveries/s, one topic, saturated (more is better)", FanOutScenario.Id, FanOutScenario.Saturated, row => row.DeliveriesPerSecond, "#,0"),
        ("Publishes/s, a topic for each stream (more is better)", ManyTopicsScenario.Id, ManyTopicsScenario.Single, row => row.DeliveriesPerSecond, "#,0"),
        ("CPU µs a delivery at 20 000 deliveries/s (less is better)", EqualLoadScenario.Id, EqualLoadScenario.Steady, row => row.CpuPerDelivery, "0.0"),
        ("Resident KiB an idle stream (less is better)", IdleScenario.Id, IdleScenario.Resident, row => row.KiBPerStream, "0.0"),
        ("Events lost when a worker is killed (less is better)", FaultScenario.Id, FaultScenario.Killed, row => row.Lost, "#,0"),
    ];

    public static string Create(List<Measurement> results)
    {
        var body = new StringBuilder();
        var y = 10;
        foreach (var (title, scenario, step, figure, format) in s_panels)
        {
            var rows = results.Where(row => row.Scenario == scenario && row.Step == step && figure(row) is not null)
                .GroupBy(row => row.Subject, (subject, runs) => (Subject: subject, Value: Medians.Of(runs, figure)!.Value), StringComparer.Ordinal).ToList();
            if (rows.Count == 0)
            {
                continue;
            }

            body.Append(CultureInfo.InvariantCulture, $"<text x=\"10\" y=\"{y + 18}\" class=\"title\">{SecurityElement.Escape(title)}</text>\n");
            y += TitleHeight;
            // A negative value (memory given back) has no bar.
            var scale = (Width - LabelWidth - 110) / Math.Max(rows.Max(row => row.Value), double.Epsilon);
            foreach (var (subject, value) in rows)
            {
                var kind = subject.StartsWith("sseapp", StringComparison.Ordinal) ? "ours" : "other";
                var length = Math.Max(1, value * scale);
                body.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth - 8}\" y=\"{y + 13}\" text-anchor=\"end\">{subject}</text>");
                body.Append(CultureInfo.InvariantCulture, $"<rect x=\"{LabelWidth}\" y=\"{y}\" width=\"{length:0.0}\" height=\"{BarHeight}\" class=\"{kind}\"/>");
                body.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth + length + 6:0.0}\" y=\"{y + 13}\">{value.ToString(format, CultureInfo.InvariantCulture)}</text>\n");
                y += BarHeight + Gap;
            }

            y += Gap;
        }

        return string.Create(CultureInfo.InvariantCulture, $$"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{{Width}}" height="{{y + 10}}" viewBox="0 0 {{Width}} {{y + 10}}">
            <style>text{font:12px sans-serif;fill:#24292f}.title{font-weight:bold;font-size:13px}.ours{fill:#512bd4}.other{fill:#9aa4b2}</style>
            <rect width="100%" height="100%" fill="#fff"/>
            {{body}}</svg>

            """);
    }
}
