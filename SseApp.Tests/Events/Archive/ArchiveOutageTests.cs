using SseApp.Events.Archive;

namespace SseApp.Tests.Events.Archive;

/// <summary>The database is gone, hangs, or was never there: publishes and streams do not need it, and nothing is lost that Redis may hold.</summary>
public sealed class ArchiveOutageTests(RedisServer redis, OwnPostgresServer postgres) : IClassFixture<RedisServer>, IClassFixture<OwnPostgresServer>
{
    private const int Kept = 50;
    private const int KeptUnarchived = 400;
    private const int Held = Kept + KeptUnarchived;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_database_that_is_down_costs_nothing_up_to_the_bound_and_an_exact_gap_beyond_it()
    {
        await using var host = await StartAsync();
        using var lost = host.Collect("sse_archive_lost_events_total");
        await PublishAsync(host, "held", 1, 100);
        await PublishAsync(host, "lost", 1, 100);
        await ArchivedAsync(host, "held", 100);
        await ArchivedAsync(host, "lost", 100);
        var id = await IdOfAsync(host, "lost", 90);
        await postgres.Node.KillAsync();
        try
        {
            await PublishAsync(host, "held", 101, 300);
            await PublishAsync(host, "lost", 101, 1_100);
            using (var single = await host.PublishAsync("held", "301"))
            {
                Assert.Equal(HttpStatusCode.Created, single.StatusCode);
            }

            await PublishAsync(host, "new", 1, 7);
            await Eventually.Async(
                async () => (await HealthAsync(host, raw: true)).Archive.Contains("\"lagEvents\":1208,", StringComparison.Ordinal), s_limit, "all that is not archived to be counted: 201, 1 000, and 7 of a topic that is new");
            var (status, body) = await HealthAsync(host, raw: true);
            Assert.Equal("200 degraded", status);
            Assert.Contains("The archive cannot be reached", body, StringComparison.Ordinal);
            Assert.True(await LengthAsync(host, "held") >= 201, "Redis let go what nobody else has.");

            await NeedsArchiveAsync(host, "held");
            await using var near = await SseReader.OpenAsync(host.Client, "/events?topic=held&history=150");
            await near.OpenedAsync();
            Assert.Equal(Numbers(152, 301), await near.DataAsync(150));
        }
        finally
        {
            await postgres.Node.RestartAsync();
        }

        await ArchivedAsync(host, "held", 301);
        await ArchivedAsync(host, "lost", 1_100);
        await Eventually.Async(async () => (await HealthAsync(host)).Archive == "healthy", s_limit, "the archive to be healthy again");
        await using var whole = await SseReader.OpenAsync(host.Client, "/events?topic=held&lastEventId=earliest");
        await whole.OpenedAsync();
        Assert.Equal(Numbers(1, 301), await whole.DataAsync(301));

        await using var resumed = await host.ResumeAsync(id, "lost");
        await resumed.OpenedAsync();
        Assert.Equal(Numbers(91, 100), await resumed.DataAsync(10));
        var gap = JsonSerializer.Deserialize<JsonElement>((await resumed.NextAsync())!.Data);
        Assert.Equal((101, 1_100 - Held), (gap.GetProperty("from").GetInt32(), gap.GetProperty("to").GetInt32()));
        Assert.Equal(Numbers(1_101 - Held, 1_100), await resumed.DataAsync(Held));
        Assert.Equal(1_000 - Held, lost.GetMeasurementSnapshot().Sum(measured => measured.Value));
    }

    [Fact]
    public async Task A_database_that_hangs_keeps_nobody_waiting_whose_events_are_in_Redis()
    {
        await using var host = await StartAsync();
        await PublishAsync(host, "h", 1, 200);
        await ArchivedAsync(host, "h", 200);
        await PublishAsync(host, "h", 201, 260);
        postgres.Node.Freeze();
        try
        {
            // The one waits for the database, and the other one must not wait for the same topic with it.
            var waiting = Task.WhenAll(NeedsArchiveAsync(host, "h"), NeedsArchiveAsync(host, "h", "from=2026-01-01T00:00:00Z"));
            await using var near = await SseReader.OpenAsync(host.Client, "/events?topic=h&history=30");
            await near.OpenedAsync();
            Assert.Equal(Numbers(231, 260), await near.DataAsync(30));
            await PublishAsync(host, "h", 261, 270);
            Assert.Equal(Numbers(261, 270), await near.DataAsync(10));
            await Eventually.Async(async () => (await HealthAsync(host)).Archive == "degraded", s_limit, "the archive to be reported as degraded");
            await waiting;
        }
        finally
        {
            postgres.Node.Thaw();
        }

        await ArchivedAsync(host, "h", 270);
        await using var whole = await SseReader.OpenAsync(host.Client, "/events?topic=h&lastEventId=earliest");
        await whole.OpenedAsync();
        Assert.Equal(Numbers(1, 270), await whole.DataAsync(270));
    }

    [Fact]
    public async Task A_stream_in_the_middle_of_the_archive_ends_with_the_database_and_goes_on_later()
    {
        const int Count = 3_000;
        var padding = new string('x', 4_000);
        await using var host = await StartAsync(("Streaming:RetryMin", "00:00:00.050"));
        for (var first = 1; first <= Count; first += 250)
        {
            await PublishAsync(host, "m", first, first + 249, padding);
            // Nothing may be trimmed that is not archived.
            await ArchivedAsync(host, "m", first + 249);
        }

        var reader = await SseReader.OpenAsync(host.Client, "/events?topic=m&lastEventId=earliest");
        string id;
        var next = 1;
        try
        {
            await reader.OpenedAsync();
            await TakeAsync();
            await postgres.Node.KillAsync();
            try
            {
                while (await TakeAsync())
                {
                }
            }
            catch (IOException)
            {
                // It was cut off.
            }

            Assert.True(next <= Count, "The stream was not in the archive any more.");
            id = reader.LastEventId;
        }
        finally
        {
            await reader.DisposeAsync();
            await postgres.Node.RestartAsync();
        }

        // As an EventSource, which comes back until it is let in.
        for (reader = await host.ResumeAsync(id, "m"); (await reader.NextAsync())!.Type != "stream.open"; reader = await host.ResumeAsync(id, "m"))
        {
            await reader.DisposeAsync();
        }

        while (next <= Count && await TakeAsync())
        {
        }

        await reader.DisposeAsync();
        Assert.Equal(Count + 1, next);

        async Task<bool> TakeAsync()
        {
            if (await reader.NextAsync(s_limit) is not { } received)
            {
                return false;
            }

            Assert.Equal($"{next++}", received.Data.Split(' ')[0]);
            return true;
        }
    }

    [Fact]
    public async Task A_service_starts_without_its_database_and_archives_when_it_comes()
    {
        await postgres.RequireAsync("outage");
        await postgres.Node.KillAsync();
        await using var host = await StartAsync();
        try
        {
            await using var stream = await host.SubscribeAsync("s");
            await PublishAsync(host, "s", 1, 120);
            Assert.Equal(Numbers(1, 120), await stream.DataAsync(120));
            Assert.Equal("200 degraded", (await HealthAsync(host, raw: true)).Status);
            await Eventually.Async(
                async () => (await HealthAsync(host, raw: true)).Archive.Contains("\"lagEvents\":120,", StringComparison.Ordinal), s_limit, "what waits to be counted");
        }
        finally
        {
            await postgres.Node.RestartAsync();
        }

        await ArchivedAsync(host, "s", 120);
        await using var whole = await SseReader.OpenAsync(host.Client, "/events?topic=s&lastEventId=earliest");
        await whole.OpenedAsync();
        Assert.Equal(Numbers(1, 120), await whole.DataAsync(120));
    }

    [Fact]
    public async Task An_idle_topic_goes_from_Redis_and_lives_on_under_its_numbers()
    {
        await using var host = await StartAsync(("TopicLog:IdleExpiry", "00:00:01"), ("Archive:SweepInterval", "00:00:01"));
        await PublishAsync(host, "i", 1, 20);
        var id = await IdOfAsync(host, "i", 5);
        await Eventually.Async(async () => await LengthAsync(host, "i") == 0, s_limit, "the idle topic's events to go from Redis");
        await using (var connection = await redis.ConnectAsync())
        {
            Assert.True(await connection.GetDatabase().KeyExistsAsync($"{host.Prefix}:{{i}}:counter"));
        }

        await using var resumed = await host.ResumeAsync(id, "i");
        Assert.True((await resumed.OpenedAsync()).GetProperty("resumed").GetBoolean());
        Assert.Equal(Numbers(6, 20), await resumed.DataAsync(15));
        // A gap would come before it.
        await PublishAsync(host, "i", 21, 22);
        Assert.Equal(Numbers(21, 22), await resumed.DataAsync(2));
        var page = JsonSerializer.Deserialize<JsonElement>(await host.Client.GetStringAsync(new Uri("/topics/i/events?after=0", UriKind.Relative), Cancelled));
        Assert.Equal(Enumerable.Range(1, 22), page.GetProperty("events").EnumerateArray().Select(item => item.GetProperty("offset").GetInt32()));
    }

    [Fact]
    public async Task A_topic_that_fills_up_is_archived_ahead_of_its_turn()
    {
        await using var host = await StartAsync(("Archive:Interval", "00:00:30"), ("Archive:MaxLag", "00:01:00"));
        // Its shard is looked at first when most of the interval is over.
        var topic = Enumerable.Range(0, 1_000).Select(i => $"full-{i}").First(name => ArchiveShards.Of(name) == ArchiveShards.Count - 1);
        await using var connection = await redis.ConnectAsync();

        await PublishAsync(host, topic, 1, (KeptUnarchived / 8) + 1);
        await Eventually.Async(
            async () => (long?)await connection.GetDatabase().HashGetAsync($"{host.Prefix}:{{{topic}}}:counter", "archived") > 0, TimeSpan.FromSeconds(15), "the topic to be archived before its turn");
    }

    private static IEnumerable<string> Numbers(int first, int last) => Enumerable.Range(first, last - first + 1).Select(i => $"{i}");

    private async Task<EventsHost> StartAsync(params (string Key, string Value)[] settings)
    {
        (string Key, string Value)[] usual =
        [
            ("Archive:Mode", "PostgreSQL"),
            ("Archive:Interval", "00:00:00.050"),
            ("ConnectionStrings:archive", await postgres.RequireAsync("outage")),
            ("TopicLog:MaxEvents", $"{Kept}"),
            ("TopicLog:MaxUnarchivedEvents", $"{KeptUnarchived}"),
            ("Topics:RingBytes", "4096"),
        ];
        return await EventsHost.StartAsync(redis, null, [.. settings.UnionBy(usual, setting => setting.Key, StringComparer.Ordinal)]);
    }

    /// <summary>Numbered events, all of which are stored.</summary>
    private static async Task PublishAsync(EventsHost host, string topic, int first, int last, string? padding = null)
    {
        var lines = Enumerable.Range(first, last - first + 1).Select(i => JsonSerializer.Serialize(new { topic, data = padding is null ? $"{i}" : $"{i} {padding}" }));
        using var body = new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson");
        using var answer = await host.Client.PostAsync(new Uri("/publish", UriKind.Relative), body, Cancelled);
        var results = (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("results");
        Assert.All(results.EnumerateArray(), result => Assert.Equal(201, result.GetProperty("status").GetInt32()));
        Assert.Equal(last - first + 1, results.GetArrayLength());
    }

    /// <summary>What only the archive has is refused, to each kind of client in its way.</summary>
    private static async Task NeedsArchiveAsync(EventsHost host, string topic, string begin = "lastEventId=earliest")
    {
        await using var source = await SseReader.OpenAsync(host.Client, $"/events?topic={topic}&{begin}");
        var refused = await source.NextAsync();
        Assert.Equal(("stream.unavailable", "archive"), (refused!.Type, JsonSerializer.Deserialize<JsonElement>(refused.Data).GetProperty("reason").GetString()));
        using var fetched = await host.Client.GetAsync(new Uri($"/events?topic={topic}&{begin}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, fetched.StatusCode);
        Assert.Equal("archive", (await fetched.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("reason").GetString());
    }

    private static async Task<string> IdOfAsync(EventsHost host, string topic, int number)
    {
        await using var reader = await SseReader.OpenAsync(host.Client, $"/events?topic={topic}&lastEventId=earliest");
        await reader.OpenedAsync();
        await reader.DataAsync(number - 1);
        return (await reader.NextAsync())!.LastEventId;
    }

    private static async Task<(string Status, string Archive)> HealthAsync(EventsHost host, bool raw = false)
    {
        using var answer = await host.Admin.GetAsync(new Uri("/health", UriKind.Relative), Cancelled);
        var text = await answer.Content.ReadAsStringAsync(Cancelled);
        var body = JsonSerializer.Deserialize<JsonElement>(text);
        var archive = body.GetProperty("dependencies").GetProperty("archive");
        return ($"{(int)answer.StatusCode} {body.GetProperty("status").GetString()}", raw ? archive.GetRawText() : archive.GetProperty("status").GetString()!);
    }

    private async Task<long> LengthAsync(EventsHost host, string topic)
    {
        await using var connection = await redis.ConnectAsync();
        return await connection.GetDatabase().ListLengthAsync($"{host.Prefix}:{{{topic}}}:log");
    }

    private async Task ArchivedAsync(EventsHost host, string topic, long offset)
    {
        await using var connection = await redis.ConnectAsync();
        await Eventually.Async(
            async () => (long?)await connection.GetDatabase().HashGetAsync($"{host.Prefix}:{{{topic}}}:counter", "archived") == offset, s_limit, $"{topic} in the archive up to {offset}");
    }
}
