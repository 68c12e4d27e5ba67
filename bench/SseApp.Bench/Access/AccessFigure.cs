namespace SseApp.Bench.Access;

/// <summary>The CPU time of one kind of request, beside that of the same request at an open replica.</summary>
/// <param name="Name">What was asked, and with what.</param>
/// <param name="Replica">Who was asked.</param>
/// <param name="Count">Requests of a round.</param>
/// <param name="Beside">What it is compared with; null: nothing.</param>
/// <param name="Credential">Makes that of a request; null: none.</param>
/// <param name="Load">Sends a request with each.</param>
internal sealed record AccessFigure(string Name, MeasuredReplica Replica, int Count, AccessFigure? Beside, Func<string?> Credential, Func<AccessLoad, string?[], Task> Load)
{
    /// <summary>Microseconds a request, of each round after a start, or of each start.</summary>
    public List<double> Values { get; } = [];

    /// <summary>The most that may be added, as a share.</summary>
    public double? MaxShare { get; init; }

    /// <summary>The most that may be added, in microseconds.</summary>
    public double? MaxMicroseconds { get; init; }

    /// <summary>Whether the bar is met; null where there is none, and where the rounds differ too much to say.</summary>
    public bool? IsMet => Bar is not { } bar ? null : Added.Mean <= bar ? true : Added.Mean - (2 * Added.Error) > bar ? false : null;

    private double? Bar => MaxShare * Beside?.Mean ?? MaxMicroseconds;

    private double Mean => Values.Average();

    /// <summary>Mean of the differences, and its standard error.</summary>
    private (double Mean, double Error) Added
    {
        get
        {
            var differences = Values.Zip(Beside!.Values, (own, other) => own - other).ToArray();
            var mean = differences.Average();
            return (mean, Math.Sqrt(differences.Sum(difference => (difference - mean) * (difference - mean)) / (differences.Length - 1) / differences.Length));
        }
    }

    public string Row()
    {
        if (Beside is null)
        {
            return string.Create(CultureInfo.InvariantCulture, $"| {Name} | {Mean:0.0} | | | | |");
        }

        var (mean, error) = Added;
        var bar = MaxShare is { } share ? string.Create(CultureInfo.InvariantCulture, $"≤ +{share * 100:0} %") : MaxMicroseconds is { } most ? string.Create(CultureInfo.InvariantCulture, $"≤ +{most:0} µs") : "";
        var met = bar.Length == 0 ? "" : IsMet switch { true => "yes", false => "no", null => "not to be told: within the noise" };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {Name} | {Mean:0.0} | {mean:+0.0;-0.0} ± {error:0.0} | {mean / Beside.Mean * 100:+0.0;-0.0} ± {error / Beside.Mean * 100:0.0} % | {bar} | {met} |");
    }
}
