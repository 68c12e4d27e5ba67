using SseApp.Events.Diagnostics;

namespace SseApp.Events.FanOut;

/// <content>Streams that end so that they find a better place.</content>
internal sealed partial class Shard
{
    // What one look may cost the streams that wait meanwhile; the next one begins elsewhere.
    private const int MaxShedVisits = 2000;

    private void Shed(SheddingPlan plan)
    {
        if (_connections.Count == 0)
        {
            return;
        }

        var youngest = _time.GetUtcNow().ToUnixTimeMilliseconds() - (long)_options.RebalanceMinAge.TotalMilliseconds;
        var visits = Math.Min(_connections.Count, MaxShedVisits);
        var start = Random.Shared.Next(_connections.Count);
        var chosen = new List<StreamConnection>();
        foreach (var crowded in (ReadOnlySpan<bool>)[false, true])
        {
            for (var i = 0; i < visits && !plan.IsDone; i++)
            {
                var connection = _connections[(start + i) % _connections.Count];

                // A client that has just come is not sent on again, and one that is catching up shall finish.
                if (connection is { Closing: null, IsReplaying: false } && connection.OpenedAtMilliseconds <= youngest
                    && plan.Moves(connection.PlacementKey, crowded) && !chosen.Contains(connection) && plan.TryTake())
                {
                    chosen.Add(connection);
                }
            }
        }

        // Not before: an end takes the stream out of the list.
        foreach (var connection in chosen)
        {
            BeginClose(connection, CloseReason.Rebalance);
        }
    }
}
