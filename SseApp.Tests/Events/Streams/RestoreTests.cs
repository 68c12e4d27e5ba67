namespace SseApp.Tests.Events.Streams;

/// <summary>Backup and restore as docs/redis.md has them, by the scripts of <c>deploy</c>.</summary>
public sealed class RestoreTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_restored_log_is_delivered_anew_after_a_gap_and_no_id_of_before_means_another_event()
    {
        await using var server = new AofRedisServer();
        await server.RequireAsync();
        var snapshot = Path.Combine(server.Folder, "backup");
        string? last;
        string prefix;
        await using (var host = await EventsHost.StartAsync(server))
        {
            prefix = host.Prefix;
            await PublishAsync(host, "kept", 1, 3);
            await RunAsync("sh", $"exec redis-cli -p {server.Port} --rdb - > '{snapshot}'");
            await using var reader = await host.SubscribeAsync("kept");
            await PublishAsync(host, "kept", 4, 5);
            Assert.Equal(["4", "5"], await reader.DataAsync(2));
            last = reader.LastEventId;
        }

        await server.KillAsync();
        await RunAsync("sh", $"exec sh '{Script("compose", "redis", "restore")}' < '{snapshot}'", ("DATA", server.Folder));
        await server.RequireAsync();
        // From standard input, as it gets into a container.
        await RunAsync("bash", $"exec bash -s -- -p {server.Port} < '{Script("redis", "renew")}'", ("PREFIX", prefix));

        await using var restored = await EventsHost.StartAsync(server, prefix);
        // They get the offsets 4 to 6: with the epoch of before the client, whose last is 5, would never see the first two.
        await PublishAsync(restored, "kept", 6, 8);
        await using var resumed = await restored.ResumeAsync(last, "kept");
        Assert.False((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        var gap = await resumed.NextAsync();
        Assert.Equal("stream.gap", gap?.Type);
        Assert.Equal("""{"topic":"kept","reason":"epoch","from":6,"to":null}""", gap?.Data);
        Assert.Equal(["1", "2", "3", "6", "7", "8"], await resumed.DataAsync(6));
        Assert.True(Directory.Exists(Path.Combine(server.Folder, "before", "appendonlydir")));
    }

    /// <summary>What is no snapshot leaves everything as it was.</summary>
    [Fact]
    public async Task A_file_that_is_no_snapshot_is_not_restored()
    {
        await using var server = new AofRedisServer();
        await using (var host = await EventsHost.StartAsync(server))
        {
            await PublishAsync(host, "kept", 1, 1);
        }

        await server.KillAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync("sh", $"echo nothing | sh '{Script("compose", "redis", "restore")}'", ("DATA", server.Folder)));
        await server.RequireAsync();

        await using var redis = await server.ConnectAsync();
        Assert.True((long)(await redis.GetDatabase().ExecuteAsync("DBSIZE")) > 0);
    }

    private static string Script(params string[] path) => Path.Combine([Repository.Root!, "deploy", .. path]);

    private static async Task PublishAsync(EventsHost host, string topic, int first, int last)
    {
        for (var i = first; i <= last; i++)
        {
            using var answer = await host.PublishAsync(topic, i.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        }
    }

    private static async Task RunAsync(string shell, string command, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(shell, ["-c", command]);
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        await using var process = ChildProcess.Start(start);
        await process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command} ended with {process.ExitCode}: {process.Tail(20)}");
        }
    }
}
