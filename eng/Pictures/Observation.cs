namespace SseApp.Pictures;

/// <summary>What each view showed, from the beginning to the end of a kill.</summary>
internal sealed class Observation(IReadOnlyList<View> views)
{
    private const double Tolerance = 0.02;

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    private readonly List<Shown>[] _samples = [.. views.Select(_ => new List<Shown>())];

    /// <summary>Reads all views, each as fast as it answers, until told to stop.</summary>
    public Task WatchAsync(CancellationToken stop) => Task.WhenAll(views.Select(async (view, index) =>
    {
        while (!stop.IsCancellationRequested)
        {
            _samples[index].AddRange(await view.ReadAsync());
            await Task.Delay(s_poll, TimeProvider.System, CancellationToken.None);
        }
    }));

    /// <summary>Whether each view shows within the tolerance that so many streams are open and none was lost, and has done so for a while.</summary>
    public bool Agree(double open, TimeSpan during) => _samples.Zip(views).All(view =>
        view.First.Where(sample => sample.At >= TimeProvider.System.GetUtcNow() - during) is var recent && recent.Any() && recent.All(sample => IsNear(sample.Number, view.Second.Expected(open, 0))));

    /// <summary>What is wrong with a view: too late, or another number; null if nothing is.</summary>
    /// <param name="index">Of the view.</param>
    /// <param name="killed">When the replica ended.</param>
    /// <param name="before">Streams that were open then.</param>
    /// <param name="after">Streams that were left.</param>
    public Verdict Judge(int index, DateTimeOffset killed, double before, double after)
    {
        var samples = _samples[index];
        (before, after) = (views[index].Expected(before, 0), views[index].Expected(after, before - after));
        var first = samples.Where(sample => sample.At > killed && IsNear(sample.Number, after)).Select(sample => (TimeSpan?)(sample.At - killed)).FirstOrDefault();
        return new Verdict(
            views[index],
            samples.Last(sample => sample.At <= killed).Number,
            samples[^1].Number,
            first,
            first <= views[index].Promise && IsNear(samples.Last(sample => sample.At <= killed).Number, before) && IsNear(samples[^1].Number, after));
    }

    private static bool IsNear(double? shown, double expected) => shown is { } number && Math.Abs(number - expected) <= Tolerance * expected;

    /// <param name="View">Whose.</param>
    /// <param name="Before">What it showed before the kill.</param>
    /// <param name="After">What it showed last.</param>
    /// <param name="Lag">From the kill until it showed the loss; null: never.</param>
    /// <param name="Holds">Right before and after, and in time.</param>
    internal sealed record Verdict(View View, double? Before, double? After, TimeSpan? Lag, bool Holds);
}
