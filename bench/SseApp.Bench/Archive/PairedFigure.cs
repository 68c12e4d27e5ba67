namespace SseApp.Bench.Archive;

/// <summary>What was measured without and with the archive, once a round.</summary>
internal sealed record PairedFigure(string Name, string Format)
{
    public List<double> Without { get; } = [];

    public List<double> With { get; } = [];

    /// <summary>The most by which it may be worse, as a share.</summary>
    public double? MaxWorse { get; init; }

    public bool MoreIsBetter { get; init; }

    /// <summary>Whether the bar is met; null where there is none, and where the rounds differ too much to say.</summary>
    public bool? IsMet => MaxWorse is not { } bar ? null : Worse.Mean + (2 * Worse.Error) <= bar ? true : Worse.Mean - (2 * Worse.Error) > bar ? false : null;

    /// <summary>By how much it is worse with the archive: mean of the rounds, and its standard error.</summary>
    private (double Mean, double Error) Worse => Spread([.. Without.Zip(With, (without, with) => (MoreIsBetter ? without - with : with - without) / without)]);

    public static (double Mean, double Error) Spread(double[] values)
    {
        var mean = values.Average();
        return (mean, Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / Math.Max(1, values.Length - 1) / values.Length));
    }

    public string Row()
    {
        var (mean, error) = Worse;
        var bar = MaxWorse is { } most ? string.Create(CultureInfo.InvariantCulture, $"≤ {most * 100:0} % worse") : "";
        var met = MaxWorse is null ? "" : IsMet switch { true => "yes", false => "no", null => "not to be told: within the noise" };
        return string.Create(CultureInfo.InvariantCulture, $"| {Name} | {Text(Without)} | {Text(With)} | {mean * 100:+0.0;-0.0} ± {error * 100:0.0} % | {bar} | {met} |");
    }

    private string Text(List<double> rounds) => rounds.Average().ToString(Format, CultureInfo.InvariantCulture);
}
