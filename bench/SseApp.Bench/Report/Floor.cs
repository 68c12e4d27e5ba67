using SseApp.Bench.Compare;

namespace SseApp.Bench.Report;

/// <summary>What something cannot do without, in units of what it takes.</summary>
/// <param name="What">In words.</param>
/// <param name="Scenario">Where it is measured.</param>
/// <param name="Step">The row of it.</param>
/// <param name="Parts">The subjects that are what it cannot do without.</param>
/// <param name="Whole">The subject of ours that does all of it.</param>
/// <param name="Cost">CPU µs of one.</param>
/// <param name="Bound">The wanted share.</param>
internal sealed record Floor(string What, string Scenario, string Step, string[] Parts, string Whole, Func<Measurement, double?> Cost, double Bound)
{
    private const double Target = 0.8;

    /// <summary>The targets of the project.</summary>
    public static Floor[] All { get; } =
    [
        Publish("CPU of Kestrel's own POST with a send to a stream, and of Redis' own script, in units of a single publish over many topics", ManyTopicsScenario.Single),
        Publish("CPU of Kestrel's own empty POST, and of Redis' own script, in units of a single publish, on topics without a stream", ManyTopicsScenario.SingleUnheard),
        Opening("CPU of Kestrel's own opening of a stream without history, in units of a replica's, 9 500 at once, warm", "sseapp"),
        Opening("CPU of Kestrel's own opening of a stream, in units of one through the gateway, replica and Redis included", "sseapp-gateway"),
    ];

    /// <returns>A row of the table, or null when it was not measured.</returns>
    public string? Row(List<Measurement> results)
    {
        double?[] parts = [.. Parts.Select(part => Value(results, part))];
        if (Value(results, Whole) is not { } whole || !Array.TrueForAll(parts, part => part is not null))
        {
            return null;
        }

        var share = parts.Sum() / whole;
        var sum = string.Join(" + ", parts.Select(part => part!.Value.ToString("0.0", CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"| {What} | **{share:0.00}** | ≥ {Bound:0.##} | {(share >= Bound ? "yes" : "no")} | {sum} / {whole:0.0} |");
    }

    private static Floor Publish(string what, string step) =>
        new(what, ManyTopicsScenario.Id, step, [KestrelSubject.Id, RedisScriptSubject.Id], "sseapp", row => row.CpuPerDelivery, Target);

    private static Floor Opening(string what, string whole) =>
        new(what, StormScenario.Id, StormScenario.Warm(9_500), [KestrelSubject.Id], whole, row => row.CpuPerStream, Target);

    private double? Value(List<Measurement> results, string subject) =>
        Medians.Of(results.Where(row => row.Scenario == Scenario && row.Step == Step && row.Subject == subject), Cost);
}
