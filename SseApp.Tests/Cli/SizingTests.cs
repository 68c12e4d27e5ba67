extern alias cli;

using cli::SseApp.Cli.Sizing;
using SseApp.Tests.Docs;

namespace SseApp.Tests.Cli;

/// <summary>The model of sizes, and how <c>sse size</c> prints it.</summary>
public sealed class SizingTests
{
    private static readonly Dictionary<string, string> s_nothing = new(StringComparer.Ordinal);

    [Fact]
    public void Every_constant_is_in_the_list_and_has_a_source()
    {
        var declared = typeof(SizingModel).GetFields().Where(field => field.FieldType == typeof(SizingConstant)).Select(field => field.GetValue(null)).ToArray();

        Assert.Equal(declared, SizingModel.Constants);
        Assert.All(SizingModel.Constants, constant => Assert.True(constant is { Value: > 0, Source.Length: > 10 }, constant.Name));
    }

    [Fact]
    public async Task What_was_measured_stands_in_the_results_and_what_is_a_default_is_one()
    {
        var results = await File.ReadAllTextAsync(Path.Combine(Repository.Root!, "bench", "RESULTS.md"), TestContext.Current.CancellationToken);
        var settings = await File.ReadAllTextAsync(Path.Combine(Repository.Root!, "docs", "configuration.md"), TestContext.Current.CancellationToken);

        // Row and columns as the tables have them; a new run of the bench changes both, and the model with them.
        Assert.Contains("| sseapp | 1,000 | 20,058 | 13.26 |", results, StringComparison.Ordinal);
        Assert.Contains("| sseapp | 9,500 | 38,013 | 12.89 |", results, StringComparison.Ordinal);
        Assert.Contains("| sseapp-gateway | 5,000 | 19,998 | 16.50 |", results, StringComparison.Ordinal);
        Assert.Contains("| sseapp-gateway | 5,000 | 1,406,718 | 0.71 |", results, StringComparison.Ordinal);
        Assert.Contains("| sseapp-gateway | 5,000 | 4,473,716 | 0.22 |", results, StringComparison.Ordinal);
        Assert.Contains("| sseapp-gateway | 5,000 | 3,870 | 258.43 |", results, StringComparison.Ordinal);
        Assert.Contains("| sseapp | 9,500 | 11.2 |", results, StringComparison.Ordinal);
        Assert.Contains("| sseapp-gateway | 5,000 | 18.4 |", results, StringComparison.Ordinal);
        foreach (var constant in SizingModel.Constants.Where(constant => constant.Source.StartsWith("default of ", StringComparison.Ordinal)))
        {
            Assert.Matches($@"\| `{constant.Source["default of ".Length..]}` \| \w+ \| `{constant.Value}` \|", settings);
        }
    }

    [Fact]
    public void Cost_grows_with_users_events_and_bytes_and_never_shrinks()
    {
        foreach (var (less, more) in new[]
        {
            (new SizingInput(1_000, 10, 300), new SizingInput(10_000, 10, 300)),
            (new SizingInput(10_000, 10, 300), new SizingInput(10_000, 1_000, 300)),
            (new SizingInput(100_000, 10, 300), new SizingInput(100_000, 10, 30_000)),
            (new SizingInput(100_000, 100, 300, 0.001), new SizingInput(100_000, 100, 300)),
        })
        {
            var (small, large) = (SizingModel.Calculate(less), SizingModel.Calculate(more));

            Assert.True(large.ReplicaCores >= small.ReplicaCores && large.GatewayCores >= small.GatewayCores, $"{less} to {more}");
            Assert.True(large.Replicas >= small.Replicas && large.Gateways >= small.Gateways && large.Machines >= small.Machines, $"{less} to {more}");
            Assert.True(large.NetworkMegabitsPerSecond > small.NetworkMegabitsPerSecond, $"{less} to {more}");
        }
    }

    [Fact]
    public void One_of_each_kind_can_be_lost_within_its_limits()
    {
        foreach (var users in new long[] { 1, 1_000, 50_000, 100_000, 1_000_000 })
        {
            var size = SizingModel.Calculate(new SizingInput(users, 1, 100));

            Assert.True(size is { Replicas: >= 2, Gateways: >= 2, Machines: >= 2 }, $"{users}");
            Assert.True((double)users / (size.Replicas - 1) <= SizingModel.StreamsOfReplica, $"{users}");
            Assert.True((double)users / (size.Gateways - 1) <= SizingModel.ConnectionsOfGateway, $"{users}");
            Assert.True(size.OpenFiles > users / (size.Gateways - 1), $"{users}");
        }
    }

    [Fact]
    public async Task It_is_printed_as_a_table_and_as_JSON()
    {
        string[] args = ["size", "--users", "100000", "--events-per-second", "50", "--bytes", "300"];
        var (code, output, _) = await ToolRun.ToEndAsync(args, s_nothing);
        Assert.Equal(0, code);
        Assert.Equal(
            """
            deliveries               5,000,000/s, in 1,000,000 writes/s
            replicas                 15 of 2 cores and 384 MiB (one of them spare; 27.25 cores busy at most)
            gateways                 6 of 2 cores and 768 MiB (one of them spare; 8.34 cores busy at most)
            machines                 11 of 4 cores and 4 GiB, for replicas and gateways
            Redis                    2 machines of 1 core and 2 GiB with maxmemory 256 MiB (one of them a replica)
            network to clients       16,800 Mbit/s in all
            one replica lost         its streams are open again within 1 s and the wait of each client (retry)
            open files of a gateway  26,000
            net.core.somaxconn       4096
            net.ipv4.tcp_mem         its third number at least 160000 where a gateway runs

            """,
            output);

        (_, output, _) = await ToolRun.ToEndAsync([.. args, "--json", "--constants"], s_nothing);
        var json = JsonDocument.Parse(output).RootElement;
        Assert.Equal((15, 6, 11), (json.GetProperty("replicas").GetInt32(), json.GetProperty("gateways").GetInt32(), json.GetProperty("machines").GetInt32()));
        Assert.Equal(SizingModel.Constants.Count, json.GetProperty("constants").GetArrayLength());
    }

    [Theory]
    [InlineData(60)]
    [InlineData(40)]
    public async Task A_narrow_terminal_breaks_no_word(int width)
    {
        string[] args = ["size", "--users", "9", "--events-per-second", "1", "--bytes", "1", "--constants"];
        var (_, wide, _) = await ToolRun.ToEndAsync(args, s_nothing);

        var (_, narrow, _) = await ToolRun.ToEndAsync(args, new Dictionary<string, string>(StringComparer.Ordinal) { ["NO_COLOR"] = "1" }, isTerminal: true, width: width);

        Assert.Empty(Words(wide).Except(Words(narrow)));
        Assert.All(narrow.Split('\n'), line => Assert.True(line.Length <= width, line));

        static IEnumerable<string> Words(string output) => output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(word => word.TrimEnd(':'));
    }

    /// <summary>docs/sizing.md says what the program says.</summary>
    [Fact]
    public async Task The_page_of_sizes_has_the_numbers_of_the_model()
    {
        var page = (await DocsFolder.ReadAsync("docs/sizing.md")).Replace('\u00A0', ' ');
        var (_, output, _) = await ToolRun.ToEndAsync(["size", "--users", "100000", "--events-per-second", "50", "--bytes", "300"], s_nothing);
        Assert.Contains($"$ sse size --users 100000 --events-per-second 50 --bytes 300\n{output}```\n", page, StringComparison.Ordinal);
        Assert.All(SizingModel.Constants, constant => Assert.Contains($"| {constant.Name} | {Number(constant.Value)}{(constant.Unit.Length > 0 ? " " : "")}{constant.Unit} | {constant.Source} |\n", page, StringComparison.Ordinal));
        foreach (var users in new long[] { 1_000, 10_000, 100_000, 1_000_000 })
        {
            var slow = SizingModel.Calculate(new SizingInput(users, 1, 300));
            Assert.Matches($@"\n\| {Number(users)} \| [^|]+ \| {Row(slow)}\n", page);
            Assert.Contains($"\n| {Number(users)} | {Row(SizingModel.Calculate(new SizingInput(users, 50, 300))).Replace("\\", "", StringComparison.Ordinal)}\n", page, StringComparison.Ordinal);
            Assert.Contains(
                $"\n| {Number(users)} | {Memory(slow.ReplicaMemoryBytes)} | {Memory(slow.GatewayMemoryBytes)} | {Number(slow.OpenFiles)} | {Number(slow.Somaxconn)} | {Number(slow.TcpMemPages)} |\n", page, StringComparison.Ordinal);
        }

        static string Row(SizingResult size) =>
            $@"{size.Machines} of {size.CoresOfMachine} cores and {Memory(size.MachineMemoryBytes)} \| {size.Replicas} \| {size.Gateways} \| {Memory(size.RedisMemoryBytes)} \| {Number(Math.Round(size.NetworkMegabitsPerSecond))} \|";
    }

    // From five digits on in groups, as the pages have them.
    private static string Number(double value) => value < 10_000
        ? value.ToString(CultureInfo.InvariantCulture)
        : value.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' ');

    private static string Memory(long bytes) => bytes % (1L << 30) == 0 ? $"{bytes >> 30} GiB" : $"{bytes >> 20} MiB";
}
