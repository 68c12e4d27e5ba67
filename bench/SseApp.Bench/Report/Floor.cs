using SseApp.Bench.Compare;

namespace SseApp.Bench.Report;

/// <summary>What a publish cannot do without, its POST and its script in Redis, in units of what it takes.</summary>
internal sealed record Floor(string What, string Step, double Bound)
{
    /// <summary>The targets of the project.</summary>
    public static Floor[] All { get; } =
    [
        new("CPU of Kestrel's own POST with a send to a stream, and of Redis' own script, in units of a single publish over many topics", ManyTopicsScenario.Single, 0.8),
        new("CPU of Kestrel's own empty POST, and of Redis' own script, in units of a single publish, on topics without a stream", ManyTopicsScenario.SingleUnheard, 0.8),
    ];

    /// <returns>A row of the table, or null when it was not measured.</returns>
    public string? Row(List<Measurement> results) =>
        Value(results, KestrelSubject.Id) is { } kestrel && Value(results, RedisScriptSubject.Id) is { } redis && Value(results, "sseapp") is { } ours
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"| {What} | **{(kestrel + redis) / ours:0.00}** | ≥ {Bound:0.##} | {((kestrel + redis) / ours >= Bound ? "yes" : "no")} | {kestrel:0.0} + {redis:0.0} / {ours:0.0} |")
            : null;

    private double? Value(List<Measurement> results, string subject) =>
        Medians.Of(results.Where(row => row.Scenario == ManyTopicsScenario.Id && row.Step == Step && row.Subject == subject), row => row.CpuPerDelivery);
}
