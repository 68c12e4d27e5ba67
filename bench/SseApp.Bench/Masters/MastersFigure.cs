using SseApp.Bench.Report;

namespace SseApp.Bench.Masters;

/// <summary>What publishes came to with so many masters, once a round; CPU in microseconds a publish.</summary>
internal sealed record MastersFigure(string Name, int Masters)
{
    public List<double> Rate { get; } = [];

    /// <summary>Of all masters.</summary>
    public List<double> Redis { get; } = [];

    /// <summary>Of the one that does most.</summary>
    public List<double> Busiest { get; } = [];

    public List<double> Replica { get; } = [];

    /// <summary>Publishes a second that the masters take with a core each: the busiest one is full.</summary>
    public double WithCoreEach => 1e6 / Medians.Of(Busiest);

    public string Row(MastersFigure first)
    {
        var replica = Replica.Count > 0 ? string.Create(CultureInfo.InvariantCulture, $"{Medians.Of(Replica):0.0} | {1e6 / Medians.Of(Replica):#,0}") : " | ";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {Name} | {Masters} | {Medians.Of(Rate):#,0} | {Medians.Of(Redis):0.0} ({Redis.Min():0.0} to {Redis.Max():0.0}) | {1e6 / Medians.Of(Redis):#,0} | {replica} | {WithCoreEach:#,0} | {WithCoreEach / first.WithCoreEach:0.00} |");
    }
}
