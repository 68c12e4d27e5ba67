using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Protocol;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.Tests.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.Gateway.Limits;

/// <summary>A batch stores what is left of its client's budget, and says of each other item that it did not.</summary>
public sealed class BatchBudgetTests(RedisServer redis) : EdgeTest(redis)
{
    [Fact]
    public async Task A_batch_larger_than_what_is_left_stores_what_fits_and_the_rest_when_it_is_sent_again()
    {
        var (gateway, replica) = await StartAsync(settings: [("Limits:EventsPerSecond", "10"), ("Limits:EventBurst", "10")]);
        using var refusals = replica.Collect("sse_publishes_refused_total");
        var items = Enumerable.Range(0, 25).Select(i => $$"""{"topic":"t","data":"{{i}}","idempotencyKey":"k{{i}}"}""").ToArray();

        var first = await SendAsync(gateway.Client, items);
        Assert.Equal([.. Enumerable.Repeat(201, 10), .. Enumerable.Repeat(429, 15)], Statuses(first));
        Assert.All(first.EnumerateArray().Skip(10), AssertRefused);
        Assert.Equal(15, refusals.GetMeasurementSnapshot().Count(measured => measured.Value > 0 && (string?)measured.Tags["reason"] == "publish-rate"));

        // All of it once more, until everything is stored: what is repeated takes no room.
        await Eventually.Async(
            async () =>
            {
                using var answer = await PostAsync(gateway.Client, items);
                return answer.StatusCode == HttpStatusCode.OK
                    && Statuses((await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("results")).All(status => status is 200 or 201);
            },
            TimeSpan.FromSeconds(30),
            "everything to be stored");
        var history = await replica.Client.GetFromJsonAsync<JsonElement>("/topics/t/events", Cancellation);
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"{i}"), history.GetProperty("events").EnumerateArray().Select(item => item.GetProperty("data").GetString()));
    }

    [Theory]
    [InlineData("Limits:EventsPerSecond")]
    [InlineData("Limits:StoredBytesPerSecond")]
    public async Task Batches_at_once_store_no_more_than_one_after_the_other(string limit)
    {
        const int Room = 60;
        // An event takes nine bytes.
        var (gateway, replica) = await StartAsync(settings: limit.EndsWith("EventsPerSecond", StringComparison.Ordinal)
            ? [(limit, "1"), ("Limits:EventBurst", $"{Room}"), ("Limits:StoredBytesPerSecond", "0")]
            : [(limit, $"{Room * 9}"), ("Limits:EventsPerSecond", "0")]);
        var began = TimeProvider.System.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var answer = await PostAsync(gateway.Client, Enumerable.Repeat("""{"topic":"t","data":"x"}""", 20));
            return answer.StatusCode;
        }));
        Assert.Contains(HttpStatusCode.OK, answers);
        Assert.All(answers, status => Assert.True(status is HttpStatusCode.OK or HttpStatusCode.TooManyRequests));
        var stored = (await replica.Client.GetFromJsonAsync<JsonElement>("/topics/t", Cancellation)).GetProperty("lastOffset").GetInt64();
        var refilled = TimeProvider.System.GetElapsedTime(began).TotalSeconds * (limit.EndsWith("EventsPerSecond", StringComparison.Ordinal) ? 1 : Room);
        Assert.InRange(stored, 1, Room + refilled + 1);
    }

    [Fact]
    public async Task The_first_item_passes_whole_refused_ones_take_no_room_and_only_a_gateway_says_what_is_left()
    {
        var replica = Own(await EventsHost.StartAsync(Server));
        using var gateway = new HttpClient(new ClusterKey.Handler(replica.Get<ReplicaIdentity>().Id, RequestPurpose.Client)) { BaseAddress = replica.Address };
        const string many = """{"topics":["a","b","c"],"data":"x"}""";
        const string one = """{"topic":"a","data":"x"}""";
        const string bad = """{"topic":"a"}""";

        Assert.Equal([201, 429, 429], Statuses(await SendAsync(gateway, [many, one, one], "1, 1000")));
        Assert.Equal([400, 201, 400, 201, 429, 400], Statuses(await SendAsync(gateway, [bad, one, bad, one, one, bad], "2, 1000")));
        // The order is kept: nothing passes what was refused.
        Assert.Equal([201, 429, 429], Statuses(await SendAsync(gateway, [one, many, one], "2, 1000")));
        Assert.Equal([201, 201, 429], Statuses(await SendAsync(gateway, [one, one, one], "100, 18")));
        Assert.Equal([201, 201, 201], Statuses(await SendAsync(gateway, [one, one, one])));
        Assert.Equal([201, 201, 201], Statuses(await SendAsync(replica.Client, [one, one, one], "1, 1")));
    }

    private static void AssertRefused(JsonElement item) => Assert.Equal(
        ("publish-rate", "not-stored", 0), (item.GetProperty("reason").GetString(), item.GetProperty("outcome").GetString(), item.GetProperty("events").GetArrayLength()));

    private static IEnumerable<int> Statuses(JsonElement results) => results.EnumerateArray().Select(item => item.GetProperty("status").GetInt32());

    private static async Task<JsonElement> SendAsync(HttpClient client, IEnumerable<string> items, string? left = null)
    {
        using var answer = await PostAsync(client, items, left);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("results");
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, IEnumerable<string> items, string? left = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/publish") { Content = new StringContent($"[{string.Join(',', items)}]") };
        if (left is not null)
        {
            request.Headers.Add(StreamHeaders.Left, left);
        }

        return await client.SendAsync(request, Cancellation);
    }
}
