using SseApp.ServiceDefaults.Cluster.Relay;

namespace SseApp.Events.FanOut;

/// <content>Outputs that several connections share: what the members of a topic have in common goes out in one piece.</content>
internal sealed partial class Shard
{
    // While members are visited further ids come to what is in an output already; visits that write to sockets in
    // between may take long.
    private static readonly TimeSpan s_maxFlushDelay = TimeSpan.FromMilliseconds(1);

    private readonly List<RelayOutput> _outputs = [];
    private long _unflushedSince;

    /// <summary>Only for writers of this shard, from within a send.</summary>
    public void FlushSoon(RelayOutput output)
    {
        if (!output.FlushScheduled)
        {
            output.FlushScheduled = true;
            _unflushedSince = _outputs.Count == 0 ? _now : _unflushedSince;
            _outputs.Add(output);
        }
    }

    private void FlushOutputs()
    {
        if (_outputs.Count == 0 || (_behind.Count > 0 && _time.GetElapsedTime(_unflushedSince, _now) < s_maxFlushDelay))
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
