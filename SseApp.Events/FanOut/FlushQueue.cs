namespace SseApp.Events.FanOut;

/// <summary>Outputs that several connections share: what the members of a topic have in common goes out in one piece.</summary>
internal sealed class FlushQueue(TimeProvider time)
{
    // While members are visited further ids come to what is in an output already; visits that write to sockets in
    // between may take long.
    private static readonly TimeSpan s_maxDelay = TimeSpan.FromMilliseconds(1);

    private readonly List<RelayOutput> _outputs = [];
    private long _since;

    public void Add(RelayOutput output, long now)
    {
        if (!output.FlushScheduled)
        {
            output.FlushScheduled = true;
            _since = _outputs.Count == 0 ? now : _since;
            _outputs.Add(output);
        }
    }

    /// <param name="moreComes">More is about to be added; then only what has waited long enough goes out.</param>
    /// <param name="now">The time stamp.</param>
    public void Flush(bool moreComes, long now)
    {
        if (_outputs.Count == 0 || (moreComes && time.GetElapsedTime(_since, now) < s_maxDelay))
        {
            return;
        }

        foreach (var output in _outputs)
        {
            output.FlushScheduled = false;
            output.Flush();
        }

        _outputs.Clear();
    }
}
