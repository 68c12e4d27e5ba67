using SseApp.Tests.Chaos;

namespace SseApp.Tests.EndToEnd;

/// <summary>Lets a replica's memory grow for real: by what one of its clients never reads.</summary>
internal static class ReplicaGrowth
{
    private const int BatchEvents = 20;
    private const int EventBytes = 60_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <param name="replica">The one that grows until it drains. Another client of it must see its stream end cleanly.</param>
    /// <param name="other">Where everything is published: it goes on when the first one leaves.</param>
    public static async Task UntilDrainAsync(Uri replica, Uri other)
    {
        using var client = new HttpClient { BaseAddress = replica };
        await using var reader = await SseReader.OpenAsync(client, "/events?topic=quiet");
        await reader.OpenedAsync();
        using var stuck = await RawStream.ConnectAsync(replica, receiveBuffer: 4096);
        await stuck.OpenAsync("topic=bulk");
        using var publisher = new HttpClient { BaseAddress = other };
        using var bulk = new NumberedTopic("bulk", publisher);
        var ended = reader.NextAsync(s_limit);
        await Eventually.Async(
            async () =>
            {
                if (!ended.IsCompleted)
                {
                    await bulk.PublishBatchAsync(BatchEvents, EventBytes);
                }

                return ended.IsCompleted;
            },
            s_limit,
            "the drain of a replica that grows");

        // A reset would throw here; a clean end is null.
        Assert.Null(await ended);
    }
}
