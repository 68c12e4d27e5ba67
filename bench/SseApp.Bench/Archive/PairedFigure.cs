using SseApp.Bench.Report;

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

    /// <summary>
    /// By how much it is worse with the archive: the geometric mean of the rounds' ratios, and its standard error. A mean of the ratios themselves
    /// would find a side that is slow now and then worse than the other that is so as often: half as long is −50 %, twice as long +100 %.
    /// </summary>
    private (double Mean, double Error) Worse
    {
        get
        {
            var (mean, error) = Spread([.. Without.Zip(With, static (without, with) => Math.Log(with / without))]);
            var ratio = Math.Exp(mean);
            return (MoreIsBetter ? 1 - ratio : ratio - 1, ratio * error);
        }
    }

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

    /// <summary>What the last round found.</summary>
    public string Last() => $"{Name}: {Number(Without[^1])} and {Number(With[^1])}";

    private string Text(List<double> rounds) => $"{Number(Medians.Of(rounds))} ({Number(rounds.Min())} to {Number(rounds.Max())})";

    private string Number(double value) => value.ToString(Format, CultureInfo.InvariantCulture);
}
