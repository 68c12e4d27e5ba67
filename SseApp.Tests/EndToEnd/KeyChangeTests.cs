using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.Tests.Chaos;

namespace SseApp.Tests.EndToEnd;

/// <summary>The key of a cluster is changed as docs/operations.md says, in real processes, while it works.</summary>
public sealed class KeyChangeTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int Replicas = 2;
    private const int Between = 100;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [LongFact]
    public async Task A_new_key_under_load_makes_nobody_a_stranger_and_loses_no_event()
    {
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions { Replicas = Replicas });
        await using var load = await ChaosLoad.StartAsync(cluster.Gateway.Address, subscribers: 60);
        ServiceProcess[] services = [.. cluster.Replicas, cluster.Gateway];
        await load.AcknowledgedAsync(Between);

        // Both keys everywhere, one after the other; then the new one alone.
        foreach (var previous in (string[])[ClusterKey.Text, ""])
        {
            foreach (var service in services)
            {
                Assert.Equal(0, await ForgedAsync(service));
                service.Changes["Security__GatewayKey"] = ClusterKey.Other;
                service.Changes["Security__PreviousGatewayKey"] = previous;
                service.Process.Terminate();
                await service.Process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);
                await service.StartAsync();
                await cluster.HealthyAsync(Replicas);
                await load.AcknowledgedAsync(Between);
            }
        }

        foreach (var service in services)
        {
            Assert.Equal(0, await ForgedAsync(service));
        }

        await load.FinishAsync();
        var replica = cluster.Replicas[0];
        using var old = new HttpClient(new ClusterKey.Handler(replica.Name, RequestPurpose.Client)) { BaseAddress = replica.Address };
        using var refused = await old.GetAsync("/topics/a", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    private static async Task<double> ForgedAsync(ServiceProcess service)
    {
        using var client = OperatorAccess.Client(service.Admin);
        var metrics = await client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        var lines = metrics.Split('\n').Where(line => line.StartsWith("sse_forged_total{", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(lines);
        return lines.Sum(line => double.Parse(line[(line.IndexOf('}', StringComparison.Ordinal) + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));
    }
}
