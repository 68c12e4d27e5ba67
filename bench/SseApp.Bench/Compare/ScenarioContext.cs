namespace SseApp.Bench.Compare;

/// <summary>What a scenario gets to work with.</summary>
/// <param name="Options">Sizes and times.</param>
/// <param name="Report">Says what is going on.</param>
/// <param name="Results">Rows so far; a scenario adds its own.</param>
/// <param name="CancellationToken">Gives up.</param>
internal sealed record ScenarioContext(
    ComparisonOptions Options, Action<string> Report, List<Measurement> Results, CancellationToken CancellationToken)
{
    public int Streams(Subject subject) => subject.Proxied ? Math.Min(Options.ProxiedStreams, Options.Streams) : Options.Streams;

    public Measurement? Find(string scenario, string step, string subject) =>
        Results.Find(row => row.Scenario == scenario && row.Step == step && row.Subject == subject);
}
