using Aspire.Hosting.ApplicationModel;

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
