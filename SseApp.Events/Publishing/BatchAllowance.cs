using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Publishing;

/// <summary>
/// What a batch may store, as its gateway says. The first item passes whole, as an event alone would; from the first one on
/// for which nothing is left, all are refused, so that the others keep their order when they come again.
/// </summary>
internal sealed class BatchAllowance(long events, long bytes)
{
    public const string Rule =
        "The client publishes more events, or bytes, than its rate allows (the gateway's Limits:EventsPerSecond and StoredBytesPerSecond). This item and those after it were not stored; send them again a little later.";

    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private long _events = events;
    private long _bytes = bytes;
    private int _taken;

    /// <summary>Nobody's own header counts: without a signature there is no limit here, as for all other rates.</summary>
    public static BatchAllowance Of(HttpContext context) =>
        context.Features.Get<SignedRequest>() is not null && StreamHeaders.TryReadStored(context.Request.Headers[StreamHeaders.Left].ToString(), out var events, out var bytes)
            ? new BatchAllowance(events, bytes)
            : new BatchAllowance(long.MaxValue, long.MaxValue);

    public bool TryTake(BatchEntry entry)
    {
        var stored = (long)entry.Topics.Length * entry.Block.Length;
        if (_taken > 0 && (_events < entry.Topics.Length || _bytes < stored))
        {
            return false;
        }

        _events -= entry.Topics.Length;
        _bytes -= stored;
        _taken += entry.Topics.Length > 0 ? 1 : 0;
        return true;
    }

    /// <summary>An item that was taken has stored nothing: it was stored before, or was refused.</summary>
    public void GiveBack(BatchEntry entry)
    {
        _events += entry.Topics.Length;
        _bytes += (long)entry.Topics.Length * entry.Block.Length;
        _taken -= entry.Topics.Length > 0 ? 1 : 0;
    }
}
