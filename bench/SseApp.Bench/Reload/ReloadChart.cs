namespace SseApp.Bench.Reload;

/// <summary>Streams of each replica over time, and their sum.</summary>
internal static class ReloadChart
{
    private const int Width = 760;
    private const int Height = 320;
    private const int Left = 60;
    private const int Top = 40;
    private const int Bottom = 40;

    private static readonly string[] s_colours = ["#512bd4", "#0a7d55", "#c2410c", "#0369a1", "#be185d", "#4d7c0f"];

    public static string Create(ReloadLoad load, ReloadResult result)
    {
        var end = Math.Max(1, result.Samples[^1].At);
        var most = Math.Max(1, result.Samples.Max(sample => sample.Streams.Values.Sum()));
        var body = new StringBuilder();
        for (var part = 0; part <= 4; part++)
        {
            var y = Y(most * part / 4, most);
            body.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Width - 10}\" y1=\"{y:0.0}\" y2=\"{y:0.0}\" class=\"grid\"/>");
            body.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{y + 4:0.0}\" text-anchor=\"end\">{most * part / 4:#,0}</text>\n");
        }

        for (var second = 0; second <= end / 1_000_000; second += Math.Max(1, (int)(end / 10_000_000)))
        {
            body.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(second * 1_000_000L, end):0.0}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{second} s</text>\n");
        }

        Line(body, result.Samples, sample => sample.Streams.Values.Sum(), end, most, "#9aa4b2");
        var replicas = result.Samples.SelectMany(sample => sample.Streams.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        for (var index = 0; index < replicas.Count; index++)
        {
            var (id, colour) = (replicas[index], s_colours[index % s_colours.Length]);
            Line(body, result.Samples, sample => sample.Streams.GetValueOrDefault(id), end, most, colour);
            body.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + 70 + (index * 100)}\" y=\"{Height - 6}\" fill=\"{colour}\">{id}</text>\n");
        }

        body.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{Height - 6}\" fill=\"#57606a\">all</text>\n");
        return string.Create(CultureInfo.InvariantCulture, $$"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{{Width}}" height="{{Height}}" viewBox="0 0 {{Width}} {{Height}}">
            <style>text{font:12px sans-serif}.title{font-weight:bold;font-size:13px;fill:#24292f}.grid{stroke:#d0d7de;stroke-width:1}polyline{fill:none;stroke-width:2}</style>
            <rect width="100%" height="100%" fill="#fff"/>
            <text x="10" y="22" class="title">Streams of each replica during a rolling reload ({{load.Streams:#,0}} streams, {{load.Rate}} events/s, drain window {{load.Window.TotalSeconds:0.#}} s)</text>
            {{body}}</svg>

            """);
    }

    private static void Line(StringBuilder body, IReadOnlyList<ReplicaSample> samples, Func<ReplicaSample, int> value, long end, int most, string colour)
    {
        var points = string.Join(' ', samples.Select(sample =>
            string.Create(CultureInfo.InvariantCulture, $"{X(sample.At, end):0.0},{Y(value(sample), most):0.0}")));
        body.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{points}\" stroke=\"{colour}\"/>\n");
    }

    private static double X(long at, long end) => Left + ((Width - Left - 20) * (double)at / end);

    private static double Y(int streams, int most) => Height - Bottom - ((Height - Top - Bottom) * (double)streams / most);
}
