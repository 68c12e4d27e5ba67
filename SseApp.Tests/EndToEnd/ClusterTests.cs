using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using StackExchange.Redis;

namespace SseApp.Tests.EndToEnd;

public sealed class ClusterTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task ThreeReplicas_AreRunningAndHealthy_AndTheGatewayRoutesToEach()
    {
        await ThreeReadyReplicasAsync();

        var healthy = cluster.EventsReplicas.Values.Count(replica =>
            replica.State?.Text == KnownResourceStates.Running && replica.HealthStatus == HealthStatus.Healthy);
        Assert.True(healthy == ClusterFixture.Replicas, cluster.Describe());
    }

    [Fact]
    public async Task APublishThroughTheGateway_ReachesSubscribersOnEveryReplica_InOrder()
    {
        await ThreeReadyReplicasAsync();
        using var limit = Limit();
        var streams = new List<ClusterStream>();
        try
        {
            // Enough that each replica gets one under any sensible balancing.
            for (var i = 0; i < 30; i++)
            {
                streams.Add(await ClusterStream.OpenAsync(cluster.Gateway, "everyone", limit.Token));
            }

            Assert.Equal(ClusterFixture.Replicas, streams.Select(stream => stream.Replica).Distinct(StringComparer.Ordinal).Count());

            using var client = new HttpClient { BaseAddress = cluster.Gateway };
            var sent = Enumerable.Range(1, 200).Select(i => $"line {i}: Grüße, 世界 🎉").ToArray();
            foreach (var line in sent)
            {
                using var answer = await client.PostAsync("/topics/everyone/events", new StringContent(line), limit.Token);
                Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            }

            foreach (var received in await Task.WhenAll(streams.Select(stream => stream.ReadAsync(sent.Length))))
            {
                Assert.Equal(sent, received);
            }
        }
        finally
        {
            foreach (var stream in streams)
            {
                await stream.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task AKilledReplica_IsTold_GetsNoMoreStreams_AndServesAgainAfterAStart_WhichIsToldToo()
    {
        await ThreeReadyReplicasAsync();
        using var limit = Limit();
        using var client = cluster.OperatorClient();
        var before = await ReadyReplicasAsync(client, limit.Token);

        var (resourceId, snapshot) = cluster.EventsReplicas.First(replica => replica.Value.State?.Text == KnownResourceStates.Running);
        Kill(Assert.IsType<int>(snapshot.Properties.First(property => property.Name == "executable.pid").Value));

        await Eventually.Async(
            async () => (await ReadyReplicasAsync(client, limit.Token)).Length == ClusterFixture.Replicas - 1,
            s_limit,
            "the gateway to drop the killed replica");
        var left = await ReadyReplicasAsync(client, limit.Token);
        Assert.Subset(before.ToHashSet(), left.ToHashSet());
        var lost = Assert.Single(before.Except(left, StringComparer.Ordinal));
        await cluster.Webhook.UntilAsync($"firing replica-lost:{lost}");
        for (var i = 0; i < 20; i++)
        {
            await using var stream = await ClusterStream.OpenAsync(cluster.Gateway, "after-the-kill", limit.Token);
            Assert.Contains(stream.Replica, left);
        }

        await Eventually.Async(
            () => cluster.EventsReplicas[resourceId].State?.Text is { } state && KnownResourceStates.TerminalStates.Contains(state),
            s_limit,
            $"the killed replica {resourceId} to be shown as ended");
        var started = await cluster.App.ResourceCommands.ExecuteCommandAsync(resourceId, KnownResourceCommands.StartCommand, limit.Token);
        Assert.True(started.Success, started.Message);
        await ThreeReadyReplicasAsync();
        await cluster.Webhook.UntilAsync($"resolved replica-lost:{lost}");
    }

    [Fact]
    public async Task The_embedded_redis_runs_no_command_of_whoever_has_no_password_and_the_password_is_in_no_process_list()
    {
        await ThreeReadyReplicasAsync();
        using var limit = Limit();
        var text = await cluster.App.GetConnectionStringAsync("redis", limit.Token);
        var options = ConfigurationOptions.Parse(text!);
        var port = options.EndPoints.Single() switch { DnsEndPoint named => named.Port, var other => ((IPEndPoint)other).Port };
        var address = new Uri($"http://127.0.0.1:{port}");
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        var database = redis.GetDatabase();

        // What a page in a browser can send: lines of a head, which Garnet skips, and then commands.
        const string Commands = "\r\n*3\r\n$3\r\nSET\r\n$5\r\nowned\r\n$3\r\nyes\r\n*1\r\n$8\r\nFLUSHALL\r\n";
        await database.StringSetAsync("kept", "yes");
        var posted = await RawHttp.AskAsync(
            address, $"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\nContent-Type: text/plain\r\nContent-Length: {Commands.Length}\r\n\r\n{Commands}", "\n");
        Assert.StartsWith("-NOAUTH", posted, StringComparison.Ordinal);
        Assert.StartsWith("-NOAUTH", await RawHttp.AskAsync(address, "*1\r\n$4\r\nINFO\r\n", "\n"), StringComparison.Ordinal);
        Assert.StartsWith("-WRONGPASS", await RawHttp.AskAsync(address, "*2\r\n$4\r\nAUTH\r\n$4\r\nsse!\r\n", "\n"), StringComparison.Ordinal);
        Assert.Equal((true, false), (await database.KeyExistsAsync("kept"), await database.KeyExistsAsync("owned")));

        Assert.Equal(64, options.Password!.Length);
        var commands = Directory.EnumerateDirectories("/proc").Select(process =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(process, "cmdline"));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return "";
            }
        }).ToArray();
        Assert.DoesNotContain(commands, command => command.Contains(options.Password, StringComparison.Ordinal));
        // Other clusters may run on this machine.
        var file = Assert.Single(
            commands.Select(command => command.Split('\0')).Select(arguments => (arguments, At: Array.IndexOf(arguments, "--config-import-path"))).Where(each => each.At >= 0).Select(each => each.arguments[each.At + 1]),
            path => File.Exists(path) && File.ReadAllText(path).Contains(options.Password, StringComparison.Ordinal));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(file)!));
        }
    }

    private static CancellationTokenSource Limit()
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        source.CancelAfter(s_limit);
        return source;
    }

    private async Task ThreeReadyReplicasAsync()
    {
        await cluster.RequireAsync();
        using var client = cluster.OperatorClient();
        await Eventually.Async(
            async () => (await ReadyReplicasAsync(client, TestContext.Current.CancellationToken)).Length == ClusterFixture.Replicas
                && cluster.EventsReplicas.Values.Count(replica => replica.HealthStatus == HealthStatus.Healthy) == ClusterFixture.Replicas,
            s_limit,
            "three ready replicas at the gateway");
    }

    private static async Task<string[]> ReadyReplicasAsync(HttpClient client, CancellationToken cancellationToken)
    {
        var replicas = await client.GetFromJsonAsync<JsonElement>("/admin/replicas", cancellationToken);
        return [.. replicas.EnumerateArray()
            .Where(replica => replica.GetProperty("state").GetString() == "ready")
            .Select(replica => replica.GetProperty("id").GetString()!)];
    }

    private static void Kill(int processId)
    {
        // The orchestrator knows the 'dotnet run' that started the service; the service is its child.
        using var process = Process.GetProcessById(processId);
        process.Kill(entireProcessTree: true);
    }
}
