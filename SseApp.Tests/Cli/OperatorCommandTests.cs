using System.Text.RegularExpressions;

namespace SseApp.Tests.Cli;

/// <summary><c>sse</c> as operators use it, on a real gateway with two replicas.</summary>
public sealed partial class OperatorCommandTests(ToolCluster cluster) : IClassFixture<ToolCluster>, IAsyncLifetime
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await cluster.StartAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Status_is_a_table_without_any_escapes_where_it_is_redirected()
    {
        var (code, output, error) = await RunAsync("status");

        Assert.Equal((0, ""), (code, error));
        var shown = Masked(output);
        Assert.Equal(
            """
            Gateway <address> is healthy for <time>, with <n> streams

            REPLICA  STATE  HEALTH   STREAMS  MEMORY  UPTIME  VERSION
            <id>     ready  healthy  <n>      <bytes> <time>  <version>
            <id>     ready  healthy  <n>      <bytes> <time>  <version>
            """,
            shown);
    }

    [Fact]
    public async Task A_terminal_gets_colours_unless_NO_COLOR_says_otherwise()
    {
        var (_, coloured, _) = await ToolRun.ToEndAsync(["status"], cluster.Variables, isTerminal: true);
        var (_, plain, _) = await ToolRun.ToEndAsync(["status"], new Dictionary<string, string>(cluster.Variables, StringComparer.Ordinal) { ["NO_COLOR"] = "1" }, isTerminal: true);

        Assert.Contains("\e[32mhealthy", coloured, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', plain);
    }

    [Theory]
    [InlineData(60, @"(?m)^REPLICA +STATE +HEALTH +STREAMS( |$)")]
    [InlineData(30, "(?m)^REPLICA:\\s+\\S+\nSTATE: ready\nHEALTH: healthy\nSTREAMS: ")]
    public async Task A_narrow_terminal_loses_columns_before_names_are_broken(int width, string head)
    {
        var variables = new Dictionary<string, string>(cluster.Variables, StringComparer.Ordinal) { ["NO_COLOR"] = "1" };

        var (_, output, _) = await ToolRun.ToEndAsync(["status"], variables, isTerminal: true, width: width);

        Assert.Matches(head, output);
        Assert.Contains(await FirstAsync(), output, StringComparison.Ordinal);
        Assert.All(output.Split('\n'), line => Assert.True(line.Length <= width, line));
    }

    [Fact]
    public async Task Each_command_has_JSON_with_fields_that_stay()
    {
        var status = await JsonAsync("status");
        Assert.Equal(["gateway", "status", "health", "replicas", "alerts"], Names(status));
        Assert.Equal("healthy", status.GetProperty("status").GetString());
        var replica = status.GetProperty("replicas")[0];
        Assert.Superset(new HashSet<string>(["id", "address", "state", "health", "connections", "streams", "weight", "workingSet", "startedAt", "uptimeSeconds", "version"]), Names(replica).ToHashSet());

        var show = await JsonAsync("show", replica.GetProperty("id").GetString()!);
        Assert.Superset(new HashSet<string>(["id", "reachable", "process", "restarts"]), Names(show).ToHashSet());

        await using var reader = await SseReader.OpenAsync(cluster.Gateway.Client, "/events?topic=json");
        await reader.OpenedAsync();
        Assert.Equal(["topics", "unreachable"], Names(await JsonAsync("topics")));
        Assert.Equal(["topics", "logs", "unreachable"], Names(await JsonAsync("topics", "--busiest")));

        await using var monit = ToolRun.Start(["monit", "--json", "--count", "2"], cluster.Variables);
        Assert.Equal(0, await monit.EndAsync());
        Assert.Equal(2, monit.OutputLines.Length);
        Assert.All(monit.OutputLines, line => Assert.Superset(new HashSet<string>(["gateway", "registry", "list", "point"]), Names(JsonDocument.Parse(line).RootElement).ToHashSet()));
    }

    [Fact]
    public async Task Show_has_what_the_operator_API_has()
    {
        var id = await FirstAsync();

        var (code, output, _) = await RunAsync("show", id);

        Assert.Equal(0, code);
        Assert.Matches($"(?m)^replica +{Regex.Escape(id)}$", output);
        Assert.Matches("(?m)^state +ready, healthy$", output);
        Assert.Matches(@"(?m)^process +\d+ on .+, \.NET \d+\.", output);
        Assert.Matches("(?m)^Streaming:RetryMin +00:00:00.2000000 +00:00:0", output);
        Assert.EndsWith("No restart within a day.\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain(OperatorAccess.Key.Text, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_is_drained_and_taken_back_and_the_last_one_only_by_force()
    {
        var ids = (await JsonAsync("status")).GetProperty("replicas").EnumerateArray().Select(replica => replica.GetProperty("id").GetString()!).ToArray();

        try
        {
            var (code, output, _) = await RunAsync("drain", ids[0]);
            Assert.Equal(0, code);
            Assert.Matches($"^{Regex.Escape(ids[0])} is drain(ing|ed), with \\d+ streams? at its last heartbeat\\.\n$", output);
            var (refused, _, error) = await RunAsync("drain", ids[1]);
            Assert.Equal(6, refused);
            Assert.Contains("--force", error, StringComparison.Ordinal);
            Assert.Matches("^drain(ing|ed)$", (await JsonAsync("drain", ids[1], "--force")).GetProperty("state").GetString()!);
        }
        finally
        {
            // The other tests of this class have the same replicas.
            foreach (var id in ids)
            {
                Assert.Equal(0, (await RunAsync("undrain", id)).Code);
            }
        }

        await Eventually.Async(
            async () => (await JsonAsync("status")).GetProperty("replicas").EnumerateArray().All(replica => replica.GetProperty("state").GetString() == "ready"),
            TimeSpan.FromSeconds(30),
            "both replicas to be ready again");
    }

    [Fact]
    public async Task A_reload_is_followed_to_its_end()
    {
        var before = await FirstAsync();

        var (code, output, error) = await RunAsync("reload");

        Assert.Equal((0, ""), (code, error));
        Assert.Matches(@"^1 of 2: \S+ succeeded, \d+ streams?, \d+\.\d s\n2 of 2: \S+ succeeded, \d+ streams?, \d+\.\d s\n.+\n$", output);
        Assert.Contains(before, output, StringComparison.Ordinal);
        var status = await JsonAsync("reload", "--status");
        Assert.Equal("succeeded", status.GetProperty("state").GetString());
        Assert.Contains("2 of 2:", (await RunAsync("reload", "--status")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Topics_are_listed_with_their_subscribers()
    {
        await using var reader = await SseReader.OpenAsync(cluster.Gateway.Client, "/events?topic=sse%2Fa&topic=sse%2Fb");
        await reader.OpenedAsync();

        var (code, output, _) = await RunAsync("topics", "--prefix", "sse/");
        Assert.Equal(0, code);
        Assert.Equal("TOPIC  SUBSCRIBERS  IN/s  OUT/s\nsse/a            1     0      0\nsse/b            1     0      0\n", output);
        Assert.Single((await JsonAsync("topics", "--prefix", "sse/", "--limit", "1")).GetProperty("topics").EnumerateArray());
        Assert.Equal("No topic has a subscriber.\n", (await RunAsync("topics", "--prefix", "nobody")).Output);

        // Those of other tests may still be on their way out.
        await Eventually.Async(
            async () => (await RunAsync("status")).Output.Split('\n')[0].EndsWith(", with 1 stream", StringComparison.Ordinal), TimeSpan.FromSeconds(30), "the stream of this test, and no other, in the status");
    }

    [Fact]
    public async Task Monit_draws_on_a_terminal_until_it_is_interrupted_and_says_where_else_to_look_without_one()
    {
        await using var monit = ToolRun.Start(["monit"], cluster.Variables, isTerminal: true);
        await monit.UntilAsync(run => run.Output.Contains("REPLICA", StringComparison.Ordinal) && run.Output.Contains("healthy", StringComparison.Ordinal), "the replicas");
        Assert.Contains("deliveries of the last minute", monit.Output, StringComparison.Ordinal);
        Assert.Equal(0, await monit.InterruptAsync());

        var (code, output, error) = await RunAsync("monit");
        Assert.Equal((2, ""), (code, output));
        Assert.Contains("needs a terminal", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_exist_or_may_not_is_said_in_one_line_with_a_code_of_its_own()
    {
        await FailsAsync(5, "No replica 'nobody' is registered; 'sse status' lists those that are.", "show", "nobody");
        await FailsAsync(5, "No replica 'nobody' is registered; 'sse status' lists those that are.", "drain", "nobody");
        await FailsAsync(2, "'a b' is no topic", "publish", "a b", "x");

        // A key of the right form that is another gateway's.
        var variables = new Dictionary<string, string>(cluster.Variables, StringComparer.Ordinal) { ["SSE_ADMIN_KEY"] = new string('A', 42) + "E" };
        var (code, output, error) = await ToolRun.ToEndAsync(["status"], variables);
        Assert.Equal((4, ""), (code, output));
        Assert.Contains("does not know this key", error, StringComparison.Ordinal);
        Assert.DoesNotContain("AAAA", error, StringComparison.Ordinal);

        // The listener for clients has nothing for operators.
        variables = new Dictionary<string, string>(cluster.Variables, StringComparer.Ordinal) { ["SSE_ADMIN_URL"] = cluster.Gateway.Address.AbsoluteUri };
        foreach (var command in new[] { (string[])["status"], ["show", "x"], ["reload"], ["topics"] })
        {
            (code, output, error) = await ToolRun.ToEndAsync(command, variables);
            Assert.Equal((3, ""), (code, output));
            Assert.Contains("no gateway's listener for operators", error, StringComparison.Ordinal);
        }
    }

    private async Task FailsAsync(int expected, string message, params string[] args)
    {
        var (code, output, error) = await RunAsync(args);
        Assert.Equal((expected, ""), (code, output));
        Assert.StartsWith("sse: ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.Contains(message, error, StringComparison.Ordinal);

        (code, output, error) = await RunAsync([.. args, "--json"]);
        Assert.Equal((expected, ""), (code, output));
        var problem = JsonDocument.Parse(error).RootElement.GetProperty("error");
        Assert.Equal(["exitCode", "reason", "message"], Names(problem));
        Assert.Equal(expected, problem.GetProperty("exitCode").GetInt32());
    }

    private async Task<string> FirstAsync() => (await cluster.Gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/replicas", Cancellation))[0].GetProperty("id").GetString()!;

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] args) => ToolRun.ToEndAsync(args, cluster.Variables);

    private async Task<JsonElement> JsonAsync(params string[] args)
    {
        var (code, output, error) = await RunAsync([.. args, "--json"]);
        Assert.Equal((0, ""), (code, error));
        return JsonDocument.Parse(output).RootElement;
    }

    private static string[] Names(JsonElement json) => [.. json.EnumerateObject().Select(member => member.Name)];

    // What differs each time has a name, and columns that are as wide as such a thing have one blank less or more.
    private static string Masked(string output) => string.Join('\n', output.TrimEnd('\n').Split('\n').Select(line => line.StartsWith("Gateway", StringComparison.Ordinal)
        ? Streams().Replace(Time().Replace(Address().Replace(line, "<address>"), "<time>"), "with <n> streams")
        : line.StartsWith("REPLICA", StringComparison.Ordinal) ? "REPLICA  STATE  HEALTH   STREAMS  MEMORY  UPTIME  VERSION"
        : Row().Replace(line, match => $"<id>     {match.Groups["state"].Value}  {match.Groups["health"].Value}  <n>      <bytes> <time>  <version>")));

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Address();

    [GeneratedRegex(@"(?<=for )(\d+ min )?[\d.]+ s(?=,)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Time();

    [GeneratedRegex(@"with \d+ streams?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Streams();

    [GeneratedRegex(@"^\S+  +(?<state>\w+)  +(?<health>\w+)  +\d+  +[\d.]+ [MG]iB  +(\d+ min )?[\d.]+ s  +\d+\.\d+\.\d+\S*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Row();
}
