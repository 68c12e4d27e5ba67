using SseApp.ServiceDefaults.Replicas;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Events.Replicas;

public sealed class DrainTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Stopping_ends_every_stream_cleanly_at_its_own_moment_within_the_window()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Drain:Window", "00:00:01"));
        var readers = new List<SseReader>();
        for (var i = 0; i < 20; i++)
        {
            readers.Add(await host.SubscribeAsync("drain"));
        }

        var started = TimeProvider.System.GetTimestamp();
        var ends = readers.Select(async reader =>
        {
            // A reset would throw here; a clean end is null.
            Assert.Null(await reader.NextAsync());
            return TimeProvider.System.GetElapsedTime(started);
        }).ToList();
        await host.StopAsync();

        var times = await Task.WhenAll(ends);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(4));
        Assert.True(times.Max() - times.Min() > TimeSpan.FromSeconds(0.3), $"The ends did not spread: {times.Min()} to {times.Max()}.");
        Assert.True(readers.Select(reader => reader.Retry).Distinct().Count() > 10, "The clients were told the same reconnection time.");
        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_replica_is_ready_then_draining_then_gone()
    {
        var prefix = Guid.NewGuid().ToString("N");
        await using var host = await EventsHost.StartAsync(redis, prefix, ("Drain:Window", "00:00:01"), ("Replica:Weight", "3"), ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200"));
        await using var witness = await EventsHost.StartAsync(redis, prefix);
        await using var reader = await host.SubscribeAsync("a");
        var registry = witness.Get<IReplicaRegistry>();

        ReplicaRecord? record = null;
        await Eventually.Async(
            async () =>
            {
                record = (await registry.ReadAsync(TestContext.Current.CancellationToken)).SingleOrDefault(live => live.Address == host.Address);
                return record is { State: ReplicaState.Ready, Connections: 1 };
            },
            s_limit,
            "the replica to be ready with one connection");
        Assert.Equal(3, record!.Weight);
        Assert.True(record.WorkingSetBytes > 0);

        var announcements = new List<ReplicaState?>();
        var watching = WatchAsync();
        await Eventually.Async(
            async () =>
            {
                // The watch is up when an announcement of ours comes through.
                await registry.WriteAsync(record with { }, announce: true, TestContext.Current.CancellationToken);
                return announcements.Count > 0;
            },
            s_limit,
            "the watch to be subscribed");
        await host.StopAsync();

        await watching.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        Assert.Equal([ReplicaState.Draining, null], announcements.SkipWhile(state => state == ReplicaState.Ready));
        Assert.DoesNotContain(await registry.ReadAsync(TestContext.Current.CancellationToken), live => live.Id == record.Id);

        async Task WatchAsync()
        {
            await foreach (var change in registry.WatchAsync(TestContext.Current.CancellationToken))
            {
                if (change.ReplicaId == record.Id)
                {
                    announcements.Add(change.Record?.State);
                    if (change.Record is null)
                    {
                        return;
                    }
                }
            }
        }
    }
}
