namespace SseApp.Tests.Cli;

/// <summary><c>sse tail</c> and <c>sse publish</c>, through a real gateway.</summary>
public sealed class StreamCommandTests(ToolCluster cluster) : IClassFixture<ToolCluster>, IAsyncLifetime
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await cluster.StartAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task What_is_published_is_printed_once_and_in_order_across_cuts()
    {
        await using var tail = await TailAsync("tail-cut");
        for (var i = 1; i <= 6; i++)
        {
            Assert.Equal(0, (await PublishAsync("tail-cut", $"event {i}")).Code);
            if (i is 2 or 4)
            {
                using var cut = await cluster.Gateway.Admin.PostAsync("/admin/topics/tail-cut/disconnect", null, Cancellation);
                Assert.Equal(HttpStatusCode.OK, cut.StatusCode);
            }
        }

        await tail.UntilAsync(run => run.OutputLines.Length >= 6, "six events");
        Assert.Equal(0, await tail.InterruptAsync());

        Assert.Equal(Enumerable.Range(1, 6).Select(i => $"tail-cut@{i} event {i}"), tail.OutputLines);
        Assert.Contains("The stream is cut (it has ended); reconnecting in 0.", tail.Error, StringComparison.Ordinal);
        Assert.Matches(@"To go on from here: --from [\w-]+\n$", tail.Error);
    }

    [Fact]
    public async Task What_was_before_comes_first_and_a_number_of_events_ends_it()
    {
        foreach (var data in new[] { "one", "two", "three" })
        {
            await PublishAsync("tail-old", data);
        }

        var (code, output, _) = await RunAsync(["tail", "tail-old", "--history", "2", "--count", "2"]);
        Assert.Equal((0, "tail-old@2 two\ntail-old@3 three\n"), (code, output));

        (_, output, _) = await RunAsync(["tail", "tail-old", "--from", "earliest", "--count", "3", "--json"]);
        var events = output.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement).Where(item => item.GetProperty("type").GetString() == "message").ToArray();
        Assert.Equal(["id", "type", "topic", "offset", "data"], events[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal([1, 2, 3], events.Select(item => item.GetProperty("offset").GetInt64()));

        (_, output, _) = await RunAsync(["tail", "tail-old", "--from", events[1].GetProperty("id").GetString()!, "--count", "1", "--raw"]);
        Assert.Equal("three\n", output);
    }

    [Fact]
    public async Task An_event_of_several_topics_is_shown_with_its_own_and_its_offset()
    {
        await PublishAsync("tail-b", "before");
        await using var tail = await TailAsync("tail-b", "tail-a");

        await PublishAsync("tail-a", "x");
        await PublishAsync("tail-b", "y", "--type", "price");
        await tail.UntilAsync(run => run.OutputLines.Length >= 2, "two events");

        Assert.Equal(["tail-a@1 x", "tail-b@2 price y"], tail.OutputLines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_others_wrote_cannot_steer_the_terminal()
    {
        await PublishAsync("tail-evil", "\e]0;owned\a red\e[31m\nsecond\u202eline");

        var (_, output, _) = await RunAsync(["tail", "tail-evil", "--history", "1", "--count", "1"]);

        Assert.Equal("tail-evil@1 \\x1b]0;owned\\x07 red\\x1b[31m\\nsecond\\u202eline\n", output);
    }

    [Fact]
    public async Task Data_comes_from_standard_input_and_an_idempotency_key_stores_it_once()
    {
        var (code, output, _) = await RunAsync(["publish", "pub", "--id", "k1"], "from a pipe\n");
        Assert.Equal(0, code);
        Assert.Matches(@"^pub@1 [\w-]+\n$", output);
        var (_, again, _) = await RunAsync(["publish", "pub", "-", "--id", "k1", "--json"], "from a pipe");
        Assert.Equal(1, JsonDocument.Parse(again).RootElement.GetProperty("offset").GetInt64());

        (_, output, _) = await RunAsync(["tail", "pub", "--history", "9", "--count", "1", "--raw"]);
        Assert.Equal("from a pipe\n", output);
    }

    [Fact]
    public async Task What_the_gateway_does_not_take_is_the_callers_mistake()
    {
        var (code, output, error) = await RunAsync(["publish", "pub", "x", "--type", "stream.own"]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("sse: ", error, StringComparison.Ordinal);

        (code, _, error) = await RunAsync(["publish", "pub", new string('x', 70_000)]);
        Assert.Equal(2, code);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    private async Task<ToolRun> TailAsync(params string[] topics)
    {
        var tail = ToolRun.Start(["tail", .. topics], cluster.Variables);
        await tail.UntilAsync(run => run.Error.Contains("Connected to ", StringComparison.Ordinal), "the stream");
        return tail;
    }

    private Task<(int Code, string Output, string Error)> PublishAsync(string topic, string data, params string[] more) => RunAsync(["publish", topic, data, .. more]);

    private Task<(int Code, string Output, string Error)> RunAsync(string[] args, string? input = null) => ToolRun.ToEndAsync(args, cluster.Variables, input);
}
