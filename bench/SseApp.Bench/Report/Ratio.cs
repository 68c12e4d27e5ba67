using SseApp.Bench.Compare;

namespace SseApp.Bench.Report;

/// <summary>One figure of ours against one of another subject, with the wanted bound.</summary>
/// <param name="What">The figure in words.</param>
/// <param name="Ours">Row of ours.</param>
/// <param name="Theirs">Row to compare with, which may be of ours too.</param>
/// <param name="Figure">What is compared.</param>
/// <param name="Bound">The wanted ratio.</param>
/// <param name="AtLeast">True when more is better.</param>
internal sealed record Ratio(
    string What,
    (string Scenario, string Step, string Subject) Ours,
    (string Scenario, string Step, string Subject) Theirs,
    Func<Measurement, double?> Figure,
    double Bound,
    bool AtLeast)
{
    private static readonly Func<Measurement, double?> s_deliveries = row => row.DeliveriesPerSecond;
    private static readonly Func<Measurement, double?> s_connects = row => row.ConnectsPerSecond;
    private static readonly Func<Measurement, double?> s_cpu = row => row.CpuPerDelivery;

    /// <summary>The targets of the project.</summary>
    public static Ratio[] All { get; } =
    [
        new("saturated deliveries/s at p99 up to 250 ms, one topic, to nchan at any latency", (FanOutScenario.Id, FanOutScenario.Bounded, "sseapp"), (FanOutScenario.Id, FanOutScenario.Saturated, "nchan"), s_deliveries, 10, true),
        new("CPU per delivery at 4 events/s, to nchan", (FanOutScenario.Id, FanOutScenario.FourPerSecond, "sseapp"), (FanOutScenario.Id, FanOutScenario.FourPerSecond, "nchan"), s_cpu, 0.9, false),
        new("p99 at half of nchan's saturation, to nchan", (FanOutScenario.Id, FanOutScenario.HalfOfNchan, "sseapp"), (FanOutScenario.Id, FanOutScenario.HalfOfNchan, "nchan"), row => row.P99, 1, false),
        new("saturated deliveries/s through our gateway, to Node + PM2 behind nginx", (FanOutScenario.Id, FanOutScenario.Saturated, "sseapp-gateway"), (FanOutScenario.Id, FanOutScenario.Saturated, "node"), s_deliveries, 10, true),
        new("single publishes/s over many topics, to nchan with Redis", (ManyTopicsScenario.Id, ManyTopicsScenario.Single, "sseapp"), (ManyTopicsScenario.Id, ManyTopicsScenario.Single, "nchan-redis"), s_deliveries, 2, true),
        new("single publishes/s over many topics, to Node + PM2 + Redis", (ManyTopicsScenario.Id, ManyTopicsScenario.Single, "sseapp"), (ManyTopicsScenario.Id, ManyTopicsScenario.Single, "node"), s_deliveries, 4, true),
        new("events/s in batches, to our own single publishes", (ManyTopicsScenario.Id, ManyTopicsScenario.Batch, "sseapp"), (ManyTopicsScenario.Id, ManyTopicsScenario.Single, "sseapp"), s_deliveries, 5, true),
        new("events/s in batches, to our own single publishes, on topics without a stream", (ManyTopicsScenario.Id, ManyTopicsScenario.BatchUnheard, "sseapp"), (ManyTopicsScenario.Id, ManyTopicsScenario.SingleUnheard, "sseapp"), s_deliveries, 5, true),
        new("events/s as lines of open requests, to our own single publishes", (ManyTopicsScenario.Id, ManyTopicsScenario.Lines, "sseapp"), (ManyTopicsScenario.Id, ManyTopicsScenario.Single, "sseapp"), s_deliveries, 3, true),
        new("events/s as lines of open requests, to our own single publishes, on topics without a stream", (ManyTopicsScenario.Id, ManyTopicsScenario.LinesUnheard, "sseapp"), (ManyTopicsScenario.Id, ManyTopicsScenario.SingleUnheard, "sseapp"), s_deliveries, 5, true),
        new("resident KiB of an idle stream, to nchan", (IdleScenario.Id, IdleScenario.Resident, "sseapp"), (IdleScenario.Id, IdleScenario.Resident, "nchan"), row => row.KiBPerStream, 1, false),
        new("CPU per delivery at equal load, to nchan with Redis", (EqualLoadScenario.Id, EqualLoadScenario.Steady, "sseapp"), (EqualLoadScenario.Id, EqualLoadScenario.Steady, "nchan-redis"), s_cpu, 1, false),
        new("streams whole a second when 9 500 come back at once, warm, to plain ASP.NET", (StormScenario.Id, StormScenario.Warm(9_500), "sseapp"), (StormScenario.Id, StormScenario.Warm(9_500), "aspnet"), s_connects, 2, true),
        new("the same through our gateway, to plain ASP.NET", (StormScenario.Id, StormScenario.Warm(9_500), "sseapp-gateway"), (StormScenario.Id, StormScenario.Warm(9_500), "aspnet"), s_connects, 1, true),
        new("the same through our gateway, to nginx in front of the replica", (StormScenario.Id, StormScenario.Warm(9_500), "sseapp-gateway"), (StormScenario.Id, StormScenario.Warm(9_500), "sseapp-nginx"), s_connects, 2, true),
        new("the first thousand of a fresh replica, to a warm one", (StormScenario.Id, StormScenario.Cold(1_000), "sseapp"), (StormScenario.Id, StormScenario.Warm(1_000), "sseapp"), s_connects, 0.6, true),
        new("the first thousand of a fresh gateway and replica, to warm ones", (StormScenario.Id, StormScenario.Cold(1_000), "sseapp-gateway"), (StormScenario.Id, StormScenario.Warm(1_000), "sseapp-gateway"), s_connects, 0.6, true),
    ];

    /// <returns>A row of the table, or null when there is nothing to compare with.</returns>
    public string? Row(List<Measurement> results)
    {
        if (Value(results, Theirs) is not { } theirs || theirs == 0 || !results.Exists(row => row.Scenario == Ours.Scenario && row.Subject == Ours.Subject))
        {
            return null;
        }

        if (Value(results, Ours) is not { } ours)
        {
            return string.Create(CultureInfo.InvariantCulture, $"| {What} | – | {(AtLeast ? "≥" : "≤")} {Bound:0.##} | no | none / {Number(theirs)} |");
        }

        var ratio = ours / theirs;
        var met = AtLeast ? ratio >= Bound : ratio <= Bound;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {What} | **{ratio:0.00}** | {(AtLeast ? "≥" : "≤")} {Bound:0.##} | {(met ? "yes" : "no")} | {Number(ours)} / {Number(theirs)} |");
    }

    private double? Value(List<Measurement> results, (string Scenario, string Step, string Subject) row) =>
        Medians.Of(results.Where(result => (result.Scenario, result.Step, result.Subject) == row), Figure);

    private static string Number(double value) => value.ToString(value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
}
