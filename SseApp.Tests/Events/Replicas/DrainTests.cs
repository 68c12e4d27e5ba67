using Microsoft.Extensions.Hosting;
using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.Events.Replicas;

public sealed class DrainTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

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
    public async Task While_a_replica_stops_its_answers_end_the_connections_that_they_come_on()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Drain:Window", "00:00:30"));
        // Holds the stop for a while.
        await using var reader = await host.SubscribeAsync("held");
        using (var before = await host.PublishAsync("t", "x"))
        {
            Assert.NotEqual(true, before.Headers.ConnectionClose);
        }

        var stopping = host.StopAsync();
        using (var published = await host.PublishAsync("t", "x"))
        {
            Assert.Equal((HttpStatusCode.Created, true), (published.StatusCode, published.Headers.ConnectionClose));
        }

        await reader.DisposeAsync();
        await stopping;
    }

    [Fact]
    public async Task A_drain_by_command_ends_the_streams_and_keeps_the_process_and_can_be_taken_back()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Drain:Window", "00:00:00.300"));
        await using var reader = await host.SubscribeAsync("news");
        await SendAsync(host, ReplicaCommandKind.Drain);

        Assert.Null(await reader.NextAsync());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await HealthAsync(host));
        await using (var refused = await host.OpenAsync("news"))
        {
            var told = await refused.NextAsync();
            Assert.Equal("stream.unavailable", told?.Type);
            Assert.Contains("draining", told!.Data, StringComparison.Ordinal);
        }

        using (var published = await host.PublishAsync("news", "while drained"))
        {
            Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        }

        await SendAsync(host, ReplicaCommandKind.Undrain);
        await Eventually.Async(async () => await HealthAsync(host) == HttpStatusCode.OK, s_limit, "the replica to be ready again");
        await using var resumed = await host.ResumeAsync(reader.LastEventId, "news");
        await resumed.OpenedAsync();
        Assert.Equal("while drained", (await resumed.NextAsync())?.Data);
    }

    [Fact]
    public async Task A_drain_that_is_taken_back_leaves_the_streams_that_have_not_ended()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Drain:Window", "00:10:00"));
        var readers = new List<SseReader>();
        for (var i = 0; i < 4; i++)
        {
            readers.Add(await host.SubscribeAsync("long"));
        }

        await SendAsync(host, ReplicaCommandKind.Drain);
        await Eventually.Async(async () => await HealthAsync(host) != HttpStatusCode.OK, s_limit, "the drain to begin");
        await SendAsync(host, ReplicaCommandKind.Undrain);
        await Eventually.Async(async () => await HealthAsync(host) == HttpStatusCode.OK, s_limit, "the drain to be called off");

        using var published = await host.PublishAsync("long", "still here");
        foreach (var reader in readers)
        {
            Assert.Equal("still here", (await reader.NextAsync())?.Data);
            await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_command_to_an_earlier_process_under_the_same_id_is_ignored()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("ReplicaRegistry:HeartbeatInterval", "00:00:00.050"));
        var record = await RecordAsync(host);
        var commands = host.Get<RedisReplicaCommands>();
        await commands.SendAsync(ReplicaCommand.To(record with { StartedAt = record.StartedAt.AddSeconds(-1) }, ReplicaCommandKind.Restart), Cancellation);
        await commands.SendAsync(ReplicaCommand.To(record, ReplicaCommandKind.Drain), Cancellation);

        await Eventually.Async(async () => (await RecordAsync(host)).State == ReplicaState.Draining, s_limit, "the second command to be obeyed");
        Assert.False(host.Get<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
    }

    [Fact]
    public async Task A_restart_by_command_drains_and_ends_with_the_code_that_asks_for_a_new_process()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Drain:Window", "00:00:00.200"));
        await using var reader = await host.SubscribeAsync("news");
        await SendAsync(host, ReplicaCommandKind.Restart);

        Assert.Equal(ExitCodes.Restart, await host.RunToEndAsync().WaitAsync(s_limit, Cancellation));
        Assert.Null(await reader.NextAsync());
    }

    [Fact]
    public async Task A_client_that_does_not_read_does_not_hold_the_stop()
    {
        await using var host = await EventsHost.StartAsync(
            redis, null, ("Drain:Window", "00:00:00.500"), ("Streaming:CloseTimeout", "00:01:00"), ("Streaming:MaxBacklogAge", "01:00:00"));
        using var stuck = await RawStream.ConnectAsync(host.Address, receiveBuffer: 4096);
        await stuck.OpenAsync("topic=bulk");
        var data = new string('x', 60_000);
        await Eventually.Async(
            async () =>
            {
                using var published = await host.PublishAsync("bulk", data);
                return host.Get<EventsMetrics>().BacklogBytes > 0;
            },
            s_limit,
            "a backlog");

        await host.StopAsync().WaitAsync(s_limit, Cancellation);
        Assert.Equal(0, host.Get<EventsMetrics>().ActiveConnections);
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

    private static async Task SendAsync(EventsHost host, ReplicaCommandKind kind) =>
        await host.Get<RedisReplicaCommands>().SendAsync(ReplicaCommand.To(await RecordAsync(host), kind), Cancellation);

    private static async Task<ReplicaRecord> RecordAsync(EventsHost host)
    {
        ReplicaRecord? record = null;
        await Eventually.Async(
            async () => (record = (await host.Get<IReplicaRegistry>().ReadAsync(Cancellation)).SingleOrDefault()) is { State: not ReplicaState.Starting },
            s_limit,
            "the replica's record");
        return record!;
    }

    private static async Task<HttpStatusCode> HealthAsync(EventsHost host)
    {
        using var response = await host.Client.GetAsync("/health", Cancellation);
        return response.StatusCode;
    }
}
