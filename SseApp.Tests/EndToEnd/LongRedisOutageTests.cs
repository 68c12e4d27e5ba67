using SseApp.Gateway.Alerts.Rules;
using SseApp.Tests.Chaos;

namespace SseApp.Tests.EndToEnd;

/// <summary>Redis unreachable for longer than the grace period, as users have it: real processes, and every option as it is by default.</summary>
public sealed class LongRedisOutageTests
{
    private const int Streams = 40;

    // The grace period is 10 s.
    private static readonly TimeSpan s_outage = TimeSpan.FromSeconds(14);
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task Streams_stay_a_person_is_notified_replicas_leave_after_the_grace_period_and_all_recovers_by_itself()
    {
        await using var redis = new AofRedisServer();
        await using var webhook = await WebhookReceiver.StartAsync();
        await using var cluster = await ServiceCluster.StartAsync(redis, new ServiceClusterOptions
        {
            Replicas = 2,
            ShortTimes = false,
            Settings = [("Alerts:WebhookUrl", webhook.Url), ("Alerts:Format", "Json")],
        });
        using var client = new HttpClient { BaseAddress = cluster.Gateway.Address, Timeout = Timeout.InfiniteTimeSpan };
        using var topic = new NumberedTopic("outage", client);
        var early = Enumerable.Range(0, Streams).Select(i => new Subscriber(client, i, [topic])).ToList();
        await Eventually.Async(() => early.TrueForAll(subscriber => subscriber.Source.Opened == 1), s_limit, "all streams to open");
        using var stopping = new CancellationTokenSource();
        var publishing = PublishAsync(topic, stopping.Token);
        await Eventually.Async(() => early.TrueForAll(subscriber => subscriber.Receipts[0].Last >= 10), s_limit, "the first events");

        await redis.KillAsync();
        var outage = Task.Delay(s_outage, TimeProvider.System, Cancellation);
        await RefusedAsync(client);
        await using var late = new Subscriber(client, Streams, [topic]);
        await Eventually.Async(() => late.Source.Refused > 0, s_limit, "a new client to be told to reconnect later");
        foreach (var replica in cluster.Replicas)
        {
            await UntilHealthAsync(replica, HttpStatusCode.ServiceUnavailable, "unhealthy");
        }

        // From the grace period to the end of the outage the gateway stays in service and says what is wrong.
        await Eventually.Async(
            async () =>
            {
                Assert.Equal((HttpStatusCode.OK, "degraded"), await HealthAsync(cluster.Gateway));
                return outage.IsCompleted && webhook.Notices().Contains("firing redis-unavailable");
            },
            s_limit,
            "the outage to be reported and to last its time");
        await RefusedAsync(client);
        Assert.Equal(0, late.Source.Opened);

        await redis.RequireAsync();
        await webhook.UntilAsync("resolved redis-unavailable");
        foreach (var service in cluster.Replicas.Append(cluster.Gateway))
        {
            await UntilHealthAsync(service, HttpStatusCode.OK, "healthy");
        }

        await Eventually.Async(() => late.Source.Opened == 1, s_limit, "the new client's stream to open");
        var published = topic.Count;
        await Eventually.Async(() => topic.Count >= published + 10, s_limit, "publishes to be taken again");
        await stopping.CancelAsync();
        await publishing;
        await Eventually.Async(() => early.TrueForAll(subscriber => subscriber.Lacking is null), s_limit, "the last events to come");
        foreach (var subscriber in early)
        {
            await subscriber.DisposeAsync();
        }

        Assert.All(early, subscriber =>
        {
            Assert.Equal((1, 0, null), (subscriber.Source.Opened, subscriber.Source.Refused, subscriber.Source.Closed));
            Assert.Null(subscriber.Receipts[0].FindFault());
        });
        Assert.Null(late.Source.Closed);
        // That the machine of the tests is slow is another matter.
        Assert.Equal(
            ["firing redis-unavailable", "resolved redis-unavailable"],
            webhook.Notices().Where(notice => !notice.Contains(SlowReplicaRule.SchedulingName, StringComparison.Ordinal) && !notice.Contains(SlowReplicaRule.DeliveryName, StringComparison.Ordinal)));
    }

    private static async Task PublishAsync(NumberedTopic topic, CancellationToken stopped)
    {
        using var pace = new PeriodicTimer(s_pace, TimeProvider.System);
        while (!stopped.IsCancellationRequested)
        {
            await topic.PublishAsync(CancellationToken.None);
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static async Task RefusedAsync(HttpClient client)
    {
        using var refused = await client.PostAsync("/topics/other/events", new StringContent("not stored"), Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
    }

    private static Task UntilHealthAsync(ServiceProcess service, HttpStatusCode code, string status) => Eventually.Async(
        async () => await HealthAsync(service) == (code, status),
        s_limit,
        string.Create(CultureInfo.InvariantCulture, $"{service.Name} to be {status} ({(int)code})"));

    private static async Task<(HttpStatusCode Code, string? Status)> HealthAsync(ServiceProcess service)
    {
        using var client = new HttpClient { BaseAddress = service.Address };
        using var answer = await client.GetAsync("/health", Cancellation);
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("status").GetString());
    }
}
