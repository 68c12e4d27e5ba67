using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.FanOut;

/// <summary>All shards of the process. Connections go to them in turn.</summary>
internal sealed class ShardSet : IAsyncDisposable
{
    private uint _next;

    public ShardSet(IOptions<StreamingOptions> options, TimeProvider time, CredentialService credentials, RetrySpread spread, EventsMetrics metrics, ILogger<Shard> logger)
    {
        var count = options.Value.Shards == 0 ? Environment.ProcessorCount : options.Value.Shards;
        All = new Shard[count];
        for (var i = 0; i < count; i++)
        {
            All[i] = new Shard(options.Value, time, credentials, spread, metrics, logger);
        }
    }

    public Shard[] All { get; }

    public int NextIndex() => (int)(Interlocked.Increment(ref _next) % (uint)All.Length);

    /// <summary>Begins to end every stream that fits, for a <see cref="CloseReason"/>.</summary>
    /// <returns>How many.</returns>
    public async Task<int> EndAsync(Predicate<StreamConnection> fits, string reason) =>
        (await Task.WhenAll(All.Select(shard => shard.EndAsync(fits, reason)))).Sum();

    public async ValueTask DisposeAsync()
    {
        foreach (var shard in All)
        {
            await shard.DisposeAsync();
        }
    }
}
