namespace SseApp.Bench.Quick;

/// <summary>One kind of load, and what of it is counted.</summary>
/// <param name="Name">Begins the names of its ratios.</param>
/// <param name="Unit">What CPU time is divided by.</param>
/// <param name="Slice">How long one side has it at a time.</param>
/// <param name="Streams">Open streams.</param>
/// <param name="Topics">Topics.</param>
/// <param name="Lanes">Publishers that a topic may have at a time.</param>
/// <param name="Publishers">Connections that publish.</param>
/// <param name="Publishing">What is published in a slice.</param>
/// <param name="Count">What was done so far.</param>
internal sealed record QuickLoad(
    string Name,
    string Unit,
    TimeSpan Slice,
    int Streams,
    int Topics,
    int Lanes,
    int Publishers,
    Func<LoadLoop, IPublishPlan> Publishing,
    Func<LoadLoop, long> Count)
{
    private const int FanOut = 1_000;
    private const int Rate = 10;
    private const int InFlight = 32;
    private const int UnheardTopics = 2_000;
    private const int PublishConnections = 64;
    private const int Size = 100;

    /// <summary>False where cost depends on how many events meet, and so on what else the machine does; and where it takes longer to compile a side than CI has.</summary>
    public bool IsChecked { get; private init; } = true;

    /// <summary>Slices that a side has before it is measured, until it is compiled.</summary>
    public int WarmUp { get; private init; } = 4;

    /// <summary>So few events a second that a server that shares its core with another program still keeps up, and sends each on its own.</summary>
    public static QuickLoad Delivery { get; } = new(
        "delivery", "delivery", TimeSpan.FromMilliseconds(500), FanOut, 1, 8, 8, loop => new SteadyPlan(loop.Lanes, Rate), loop => loop.Tally.Delivered);

    /// <summary>As many as it takes: what waits for a stream goes out together.</summary>
    public static QuickLoad Burst { get; } = new(
        "burst", "delivery", TimeSpan.FromMilliseconds(500), FanOut, 1, InFlight, InFlight,
        loop =>
        {
            var (sent, delivered) = (loop.Sent, loop.Tally.Delivered);
            return new WindowPlan(loop.Lanes, InFlight, 1, () => loop.Sent - sent - ((loop.Tally.Delivered - delivered) / FanOut));
        },
        loop => loop.Tally.Delivered)
    {
        IsChecked = false,
    };

    /// <summary>The connections are the window: each waits for its answer.</summary>
    public static QuickLoad Publish { get; } = new(
        "publish", "publish", TimeSpan.FromMilliseconds(350), 0, UnheardTopics, 1, PublishConnections,
        loop => new WindowPlan(loop.Lanes, int.MaxValue, 1, () => 0),
        loop => loop.Lanes.Sum(lane => lane.Acknowledged));

    /// <summary>Short requests to a service that is no replica. Plain YARP has done nothing before.</summary>
    public static QuickLoad Service { get; } = Publish with { Name = "service", Unit = "request", IsChecked = false, WarmUp = 24 };

    public static QuickLoad[] All { get; } = [Delivery, Burst, Publish, Service];

    public LoadPlan Plan(Target target) => new(target, Streams, Topics, Lanes, Publishers, Size);
}
