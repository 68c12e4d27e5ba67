using Microsoft.Extensions.Hosting.Internal;
using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.Events.TopicApi;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.Events.TopicApi;

/// <summary>A history is written in pages of constant memory, and never leaves out what it does not show as left out.</summary>
public sealed class TopicHistoryTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-ndjson")]
    public async Task Data_is_what_was_published_and_a_quotation_mark_takes_two_bytes(string accept)
    {
        await using var host = await EventsHost.StartAsync(redis);
        string[] data = [new string('"', 20_000), "<&'+\u2028\u007F\u0001\\/\t", string.Concat(Enumerable.Repeat("ä\U0001F600", 9_000)), "a\n\nb\n", "", new string('x', 65_529)];
        foreach (var text in data)
        {
            using var published = await host.PublishAsync("quoted", text);
        }

        using var answer = await host.Client.SendAsync(HttpMethod.Get, "/topics/quoted/events", ("Accept", accept));

        var body = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal((accept, "utf-8"), (answer.Content.Headers.ContentType?.MediaType, answer.Content.Headers.ContentType?.CharSet));
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Contains(string.Concat(Enumerable.Repeat("\\\"", 20_000)), body, StringComparison.Ordinal);
        var events = accept == "application/json"
            ? JsonDocument.Parse(body).RootElement.GetProperty("events").EnumerateArray()
            : body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement);
        Assert.Equal(data, events.Select(item => item.GetProperty("data").GetString()));
    }

    [Fact]
    public async Task A_history_of_many_pages_is_whole()
    {
        await using var host = await EventsHost.StartAsync(redis);
        await PublishAsync(host, "long", 150, i => $"{i} {new string('x', 40_000)}");

        var (after, answers) = (0, 0);
        for (var last = 1; after < last; answers++)
        {
            var page = await host.Client.GetFromJsonAsync<JsonElement>($"/topics/long/events?after={after}&limit=1000", Cancellation);
            last = page.GetProperty("lastOffset").GetInt32();
            foreach (var item in page.GetProperty("events").EnumerateArray())
            {
                Assert.Equal(++after, item.GetProperty("offset").GetInt32());
                Assert.StartsWith($"{after} x", item.GetProperty("data").GetString(), StringComparison.Ordinal);
            }
        }

        // Each has 4 MiB of 6 MB.
        Assert.Equal((150, 2), (after, answers));
    }

    [Fact]
    public async Task Those_who_do_not_read_hold_a_page_each_and_the_rest_is_refused_until_they_leave()
    {
        await using var host = await EventsHost.StartAsync(redis, null, ("Memory:RequestBudget", "1MB"));
        using var refusals = host.Collect("sse_reads_refused_total");
        var budget = host.Get<RequestBudget>();
        // Six bytes each in JSON: more than the buffers of any socket.
        await PublishAsync(host, "stalled", 64, _ => new string('\u0001', 60_000));
        var readers = new List<Socket>();
        for (var i = 0; i < 3; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            readers.Add(socket);
            await socket.ConnectAsync(host.Address.Host, host.Address.Port, Cancellation);
            await socket.SendAsync("GET /topics/stalled/events?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), Cancellation);
            Assert.Equal(1, await socket.ReceiveAsync(new byte[1], Cancellation));
        }

        Assert.InRange(budget.Used, 3 * 64 * 1024, 3 * 256 * 1024);
        using var refused = await host.Client.GetAsync("/topics/stalled/events", Cancellation);
        using var published = await host.PublishAsync("other", new string('x', 60_000));

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.Created), (refused.StatusCode, published.StatusCode));
        Assert.Equal("busy", (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("reason").GetString());
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        Assert.Equal(1, refusals.GetMeasurementSnapshot().Sum(measured => measured.Value));

        readers.ForEach(socket => socket.Dispose());
        await Eventually.Async(() => budget.Used == 0, s_limit, "the memory of those who left");
        using var again = await host.Client.GetAsync("/topics/stalled/events?limit=1000", Cancellation);
        var page = await again.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(64, page.GetProperty("events").GetArrayLength());
    }

    [Fact]
    public async Task A_log_that_loses_its_next_events_between_two_pages_ends_the_list_there()
    {
        var log = Log();
        log.AfterRead = () => log.Trim(3);
        Assert.Equal("""{"firstOffset":1,"lastOffset":6,"offsets":[1,2]}""", await ReadAsync(log));

        log = Log();
        log.AfterRead = () =>
        {
            log.Flush();
            log.Publish($"new {log.Reads}", lost: true, delayed: false);
        };
        Assert.Equal("""{"firstOffset":1,"lastOffset":6,"offsets":[1,2]}""", await ReadAsync(log));
    }

    [Fact]
    public async Task A_log_that_cannot_be_read_on_ends_the_list_there()
    {
        var log = Log();
        log.AfterRead = () => log.FailReads(1);
        Assert.Equal("""{"firstOffset":1,"lastOffset":6,"offsets":[1,2]}""", await ReadAsync(log));
    }

    [Fact]
    public async Task What_is_published_meanwhile_is_not_in_the_list()
    {
        var log = Log();
        log.AfterRead = () => log.Publish($"{log.Reads} more", lost: true, delayed: false);
        Assert.Equal("""{"firstOffset":1,"lastOffset":6,"offsets":[1,2,3,4,5,6]}""", await ReadAsync(log));
    }

    /// <summary>Six events, two on a page.</summary>
    private static ScriptedTopicLog Log()
    {
        var log = new ScriptedTopicLog(2);
        for (var i = 1; i <= 6; i++)
        {
            log.Publish($"{i}", lost: true, delayed: false);
        }

        return log;
    }

    private static async Task<string> ReadAsync(ScriptedTopicLog log)
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meter = new SseMeter(services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>());
        var budget = new RequestBudget(Options.Create(new MemoryOptions()), meter);
        using var credentials = new CredentialService(
            Options.Create(new CredentialOptions()), new HostingEnvironment { EnvironmentName = "Development" }, new Revocations(), TimeProvider.System, NullLoggerFactory.Instance);
        var history = new TopicHistory(new HistoryReader(log), new HistorySearch(log, TimeProvider.System), budget, credentials, new EventsMetrics(meter, TimeProvider.System));
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { Response = { Body = body } };
        context.Features.Set(credentials.Stranger);

        await history.HandleAsync("t", context);

        await context.Response.BodyWriter.FlushAsync(Cancellation);
        Assert.Equal(0, budget.Used);
        var page = JsonDocument.Parse(body.ToArray()).RootElement;
        return $$"""{"firstOffset":{{page.GetProperty("firstOffset")}},"lastOffset":{{page.GetProperty("lastOffset")}},"offsets":[{{string.Join(',', page.GetProperty("events").EnumerateArray().Select(item => item.GetProperty("offset").GetRawText()))}}]}""";
    }

    private static async Task PublishAsync(EventsHost host, string topic, int count, Func<int, string> data)
    {
        for (var i = 1; i <= count; i++)
        {
            using var published = await host.PublishAsync(topic, data(i));
            Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        }
    }
}
