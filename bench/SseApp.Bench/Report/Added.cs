using SseApp.Bench.Compare;

namespace SseApp.Bench.Report;

/// <summary>What our gateway adds to the replica behind it, against the wanted bound and what other proxies add.</summary>
internal sealed record Added(string What, string Step, Func<Measurement, double?> Figure, double Bound, double? BoundOverTls = null)
{
    private static readonly string[] s_others = ["sseapp-nginx", "sseapp-haproxy"];

    /// <summary>The targets of the project.</summary>
    public static Added[] All { get; } =
    [
        new("CPU µs that the gateway adds to a delivery (nginx, HAProxy)", ProxyScenario.Steady, row => row.AddedCpu, 12, BoundOverTls: 5),
        new("ms that the gateway adds until a stream's first byte, p99 (nginx, HAProxy)", ProxyScenario.Steady, row => row.AddedFirstByte, 50),
        new("KiB that the gateway adds to a stream (nginx, HAProxy)", ProxyScenario.Idle, row => row.AddedKiB, 14),
    ];

    /// <returns>A row of the table, or null when it was not measured.</returns>
    public string? Row(List<Measurement> results, Transport transport)
    {
        var bound = transport == Transport.Plain ? Bound : BoundOverTls ?? Bound;
        if (Value(results, "sseapp-gateway") is not { } ours)
        {
            return null;
        }

        var others = string.Join(", ", s_others.Select(subject => Number(Value(results, subject))));
        return string.Create(CultureInfo.InvariantCulture, $"| {What} | **{ours:+0.0;-0.0}** | ≤ +{bound:0} | {(ours <= bound ? "yes" : "no")} | {ours:0.0} ({others}) |");
    }

    private double? Value(List<Measurement> results, string subject) =>
        Medians.Of(results.Where(row => row.Scenario == ProxyScenario.Id && row.Step == Step && row.Subject == subject), Figure);

    private static string Number(double? value) => value?.ToString("0.0", CultureInfo.InvariantCulture) ?? "–";
}
