using SseApp.Bench.Generator;

namespace SseApp.Bench.Reload;

/// <summary>What a rolling reload under load came to.</summary>
/// <param name="State">How the gateway says it ended: <c>succeeded</c>, or what went wrong.</param>
/// <param name="Seconds">Length of the reload.</param>
/// <param name="Open">Streams open at the end.</param>
/// <param name="Published">Events published.</param>
/// <param name="Tally">What the streams saw.</param>
/// <param name="Steps">The replicas' turns.</param>
/// <param name="Samples">For the chart.</param>
internal sealed record ReloadResult(
    string State, double Seconds, int Open, long Published, Tally Tally, IReadOnlyList<ReloadStepResult> Steps, IReadOnlyList<ReplicaSample> Samples);
