namespace SseApp.Bench.Generator;

/// <summary>Decides what is published when.</summary>
internal interface IPublishPlan
{
    /// <summary>Lines that each publish that streams may have under way; 0: events go as requests.</summary>
    int Lines => 0;

    /// <summary>Events of one request, taken for sending now.</summary>
    /// <param name="now">As in <see cref="Payload.Now"/>.</param>
    /// <param name="taken">Empty; the events to send together are added to it.</param>
    /// <param name="due">When to ask again, if that is known and nothing was taken.</param>
    /// <returns>False when there is nothing to send now.</returns>
    bool TryTake(long now, List<Outgoing> taken, out long due);
}
