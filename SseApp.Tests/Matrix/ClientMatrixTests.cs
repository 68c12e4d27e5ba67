namespace SseApp.Tests.Matrix;

/// <summary>
/// What people read streams with, each on its own: it opens, comes back after a cut, after a drain and after a refusal, misses
/// nothing, and never shows its user an event without data.
/// </summary>
[Collection<RunsAlone>]
public sealed class ClientMatrixTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    /// <summary>Its EventSource does nothing any more when its connection was cut, whoever is at the other end.</summary>
    private const string OnlyAfterAnEnd = "undici";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static readonly ServiceClusterOptions s_options = new()
    {
        Replicas = 2,
        Settings = [("Cors:Origins:0", "*"), ("Drain:Window", "00:00:00.500"), ("Streaming:HeartbeatInterval", "00:00:00.200")],
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongTheory]
    [InlineData("Chromium")]
    [InlineData("eventsource")]
    [InlineData("undici")]
    [InlineData("@microsoft/fetch-event-source")]
    [InlineData("eventsource-parser")]
    [InlineData("eventsource-client")]
    [InlineData("launchdarkly-eventsource")]
    [InlineData("event-source-plus")]
    [InlineData("Python")]
    [InlineData("curl")]
    [InlineData(".NET SseParser")]
    public async Task It_opens_resumes_is_drained_and_refused_and_sees_no_empty_event(string name)
    {
        var cluster = await shared.WholeAsync(s_options);
        await using var pipe = new TcpPipe { Target = cluster.Gateway.Address };
        using var http = new HttpClient { BaseAddress = cluster.Gateway.Address };
        using var operators = OperatorAccess.Client(cluster.Gateway.Admin, timeout: TimeSpan.FromSeconds(100));
        var topic = $"matrix-{Guid.NewGuid():N}";
        await using var client = await MatrixClient.OpenAsync(name, new Uri(pipe.Address, $"/events?topic={topic}"));

        await SeenAsync(client, "stream.open", 1);
        await PublishAsync(http, topic, 0);
        await SeenAsync(client, "message", 1);

        // When another stream of the topic had several, this one had some.
        using (var other = await StreamClient.OpenAsync(http, $"/events?topic={topic}"))
        {
            var bytes = Encoding.UTF8.GetByteCount(await other.ReadUntilAsync("}\n\n"));
            await other.ReadBytesAsync(bytes + 6);
        }

        await PublishAsync(http, topic, 1);
        await SeenAsync(client, "message", 2);

        if (name == OnlyAfterAnEnd)
        {
            await CommandAsync(operators, $"/admin/connections/{Opened(client, "connection")}/disconnect");
            await PublishAsync(http, topic, 2);
        }
        else
        {
            pipe.Break(PipeFault.Refuse);
            await PublishAsync(http, topic, 2);
            pipe.Mend();
        }

        await SeenAsync(client, "message", 3);

        var opened = Count(client, "stream.open");
        var drained = Opened(client, "replica");
        await using (await DrainAsync(operators, drained))
        {
            await SeenAsync(client, "stream.open", opened + 1);
            Assert.NotEqual(drained, Opened(client, "replica"));
            await PublishAsync(http, topic, 3);
            await SeenAsync(client, "message", 4);
        }

        await using (await DrainAsync(operators, [.. cluster.Replicas.Select(replica => replica.Name)]))
        {
            await UntilAsync(client, () => client.Seen.Any(seen => seen.Type is "stream.unavailable" or MatrixClient.Refused), "a refusal");
        }

        await PublishAsync(http, topic, 4);
        await SeenAsync(client, "message", 5);

        Assert.Equal(["0", "1", "2", "3", "4"], client.Seen.Where(seen => seen.Type == "message").Select(seen => seen.Data));
        Assert.DoesNotContain(client.Seen, seen => seen.Data.Length == 0);
        Assert.DoesNotContain(client.Seen, seen => seen.Type == "stream.gap");
        Assert.All(client.Seen.Where(seen => seen.Type == "stream.open").Skip(1), seen => Assert.True(JsonElement.Parse(seen.Data).GetProperty("resumed").GetBoolean(), seen.Data));
    }

    private static int Count(MatrixClient client, string type) => client.Seen.Count(seen => seen.Type == type);

    /// <summary>What the stream that it opened last says of itself.</summary>
    private static string Opened(MatrixClient client, string member) =>
        JsonElement.Parse(client.Seen.Last(seen => seen.Type == "stream.open").Data).GetProperty(member).GetString()!;

    private static Task SeenAsync(MatrixClient client, string type, int count) =>
        UntilAsync(client, () => Count(client, type) >= count, $"{count} of {type}");

    private static async Task UntilAsync(MatrixClient client, Func<bool> condition, string what)
    {
        try
        {
            await Eventually.Async(condition, s_limit, what);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} Seen: {string.Join("; ", client.Seen)}. It printed: {client.Tail()}", exception);
        }
    }

    /// <summary>A refusal of the gateway, which knows of the end of a drain a moment later, stores nothing.</summary>
    private static Task PublishAsync(HttpClient http, string topic, int number) => Eventually.Async(
        async () =>
        {
            using var answer = await http.PostAsync($"/topics/{topic}/events", new StringContent($"{number}"), Cancellation);
            return answer.StatusCode == HttpStatusCode.Created;
        },
        s_limit,
        $"event {number} to be stored");

    /// <summary>Drains these replicas until it is disposed of.</summary>
    private static async Task<Undrain> DrainAsync(HttpClient http, params string[] replicas)
    {
        foreach (var replica in replicas)
        {
            await CommandAsync(http, $"/admin/replicas/{replica}/drain?force=true");
        }

        return new Undrain(http, replicas);
    }

    private static async Task CommandAsync(HttpClient http, string path)
    {
        using var answer = await http.PostAsync(path, null, Cancellation);
        answer.EnsureSuccessStatusCode();
    }

    private sealed class Undrain(HttpClient http, string[] replicas) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var replica in replicas)
            {
                await CommandAsync(http, $"/admin/replicas/{replica}/undrain");
            }
        }
    }
}
