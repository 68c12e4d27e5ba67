using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Tests.Gateway.Streams;

/// <summary>What clients that open many streams at once are told to wait before they come back.</summary>
public sealed class StormTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private const int Clients = 30;
    private const int Max = 200;
    private const int Longest = 5_000;

    private static readonly (string Key, string Value)[] s_times =
    [
        ("Streaming:RetryMin", "00:00:00.100"),
        ("Streaming:RetryMax", "00:00:00.200"),
        ("Storms:MaxRetry", "00:00:05"),
    ];

    // So few that the test is a storm on any machine.
    private static readonly (string Key, string Value) s_slow = ("Storms:OpeningsPerSecond", "1");

    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task A_replica_that_is_asked_directly_sees_the_storm_and_quiet_hours_are_as_ever()
    {
        var stormy = await ReplicaAsync(s_slow);
        Assert.InRange(await RetryAsync(stormy.Client), 100, Max);
        await StormAsync(stormy.Client);
        Assert.InRange(await RetryAsync(stormy.Client), Max + 1, Longest);
        using var ending = await StreamClient.OpenAsync(stormy.Client);
        await ending.ReadUntilAsync("event: stream.open");
        stormy.Get<SseApp.Events.Replicas.DrainState>().Begin();
        var end = System.Text.Encoding.UTF8.GetString(await ending.ReadToEndAsync());
        Assert.InRange(RetryOf(end[end.LastIndexOf("retry: ", StringComparison.Ordinal)..]), Max + 1, Longest);
        Assert.InRange(await RetryAsync(stormy.Client, "event: stream.unavailable"), Max + 1, Longest);

        var calm = await ReplicaAsync();
        await StormAsync(calm.Client);
        Assert.InRange(await RetryAsync(calm.Client), 100, Max);
        Assert.InRange(await RetryAsync(calm.Client, headers: (StreamHeaders.Spread, "4000")), 100, Max);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task A_gateway_that_sees_the_storm_tells_its_replicas(string relay)
    {
        EventsHost[] replicas = [await ReplicaAsync(), await ReplicaAsync()];
        var gateway = await GatewayAsync(("Relay:Enabled", relay), s_slow);
        await UntilAsync(() => gateway.AvailableReplicas() == replicas.Length, "both replicas to be routed to");

        Assert.InRange(await RetryAsync(gateway.Client, headers: (StreamHeaders.Spread, "4000")), 100, Max);
        await StormAsync(gateway.Client);

        Assert.InRange(await RetryAsync(gateway.Client), Max + 1, Longest);
        Assert.All(replicas, replica => Assert.Equal(0, replica.Get<RetrySpread>().Milliseconds));
    }

    [Fact]
    public async Task A_gateway_refuses_for_longer_in_a_storm_and_is_not_moved_by_those_that_are_over_their_own_limit()
    {
        (string, string)[] times = [s_slow, ("Refusals:MinRetry", "00:00:00.100"), ("Refusals:MaxRetry", "00:00:00.200")];
        var limited = await GatewayAsync([.. times, ("Limits:ConnectsPerSecond", "1"), ("Limits:ConnectBurst", "1"), ("Limits:RefusalsPerSecond", "0")]);
        var open = await GatewayAsync(times);
        await StormAsync(limited.Client);
        await StormAsync(open.Client);

        Assert.Equal(0, limited.Get<RetrySpread>().Milliseconds);
        Assert.InRange(await RetryAsync(open.Client, "event: stream.unavailable"), Max + 1, Longest);
    }

    private static async Task StormAsync(HttpClient client) =>
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => RetryAsync(client, "retry: ")));

    /// <summary>Opens a stream, reads its first event, and leaves.</summary>
    private static async Task<int> RetryAsync(HttpClient client, string until = "event: stream.open", params (string Name, string Value)[] headers)
    {
        using var stream = await StreamClient.OpenAsync(client, headers: headers);
        return RetryOf(await stream.ReadUntilAsync(until));
    }

    private static int RetryOf(string text)
    {
        var start = text.IndexOf("retry: ", StringComparison.Ordinal) + "retry: ".Length;
        return int.Parse(text.AsSpan(start, text.AsSpan(start).IndexOf('\n')), CultureInfo.InvariantCulture);
    }

    private async Task<EventsHost> ReplicaAsync(params (string Key, string Value)[] settings) =>
        Own(await EventsHost.StartAsync(redis, _prefix, [.. s_times, ("ReplicaRegistry:HeartbeatInterval", "00:00:00.050"), .. settings]));

    private new async Task<GatewayHost> GatewayAsync(params (string Key, string Value)[] settings) => Own(await GatewayHost.StartAsync(
        null,
        new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["Cluster:KeyPrefix"] = _prefix,
            ["Storms:MaxRetry"] = "00:00:05",
        }.Concat(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).ToDictionary(StringComparer.OrdinalIgnoreCase)));
}
