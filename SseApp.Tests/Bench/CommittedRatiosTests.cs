using SseApp.Bench.Compare;
using SseApp.Bench.Quick;

namespace SseApp.Tests.Bench;

public sealed class CommittedRatiosTests
{
    private static readonly CommittedRatios s_committed = new("c", "m", "redis-server", new(StringComparer.Ordinal) { ["delivery"] = 4, ["publish"] = 0.8 });

    [Theory]
    [InlineData(4, 0.8, "")]
    [InlineData(40, 0.6, "")]
    [InlineData(3, 0.6, "")]
    [InlineData(2.99, 0.6, "delivery")]
    [InlineData(3, 0.59, "publish")]
    [InlineData(0, double.NaN, "delivery publish")]
    public void A_ratio_has_fallen_when_it_is_more_than_a_quarter_below_the_committed_one(double delivery, double publish, string fallen) =>
        Assert.Equal(fallen, string.Join(' ', Fallen(("delivery", delivery), ("publish", publish)).Select(ratio => ratio.Name)));

    [Fact]
    public void What_fell_says_what_was_measured_committed_and_wanted() =>
        Assert.Equal("delivery is 2.00, committed is 4.00; at least 3.00 is wanted (25% less).", Assert.Single(Fallen(("delivery", 2))).ToString().Replace(" %", "%", StringComparison.Ordinal));

    [Fact]
    public void Ratios_that_were_not_measured_or_are_not_committed_have_not_fallen()
    {
        Assert.Empty(Fallen(("new", 0.1), ("delivery", 4)));
        Assert.Equal(["publish"], s_committed.Unmeasured(new Dictionary<string, double>(StringComparer.Ordinal) { ["delivery"] = 4 }));
    }

    [Fact]
    public void They_are_read_as_they_were_written()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("sse-ratios-").FullName, "ratios.json");
        try
        {
            s_committed.Write(path);
            var read = CommittedRatios.Read(path);
            Assert.Equal(s_committed.Ratios, read.Ratios);
            Assert.Equal("redis-server", read.Redis);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Fact]
    public void A_ratio_is_the_median_of_what_both_sides_took_in_the_same_round()
    {
        var ratio = new QuickRatio("r", "r", QuickLoad.Delivery, "theirs", "ours");
        var cpu = new Dictionary<(string Load, string Side), List<double>>
        {
            // A round that something else disturbed costs both.
            [("delivery", "theirs")] = [20, 60, 21],
            [("delivery", "ours")] = [10, 30, 5],
        };
        Assert.Equal(2, ratio.Of(cpu));
        Assert.Null((ratio with { Theirs = "missing" }).Of(cpu));
    }

    [Theory]
    [InlineData("0", "0")]
    [InlineData("\t0-2,5\n", "0 1 2 5")]
    [InlineData("3,7-8", "3 7 8")]
    public void Cores_are_read_as_the_kernel_lists_them(string list, string cores) => Assert.Equal(cores, string.Join(' ', Preflight.CoresOf(list)));

    [Fact]
    public void The_committed_file_names_only_ratios_that_are_measured() =>
        Assert.Subset(QuickRatio.All.Select(ratio => ratio.Name).ToHashSet(StringComparer.Ordinal), CommittedRatios.Read(CommittedRatios.PathIn(Repository.Root!)).Ratios.Keys.ToHashSet(StringComparer.Ordinal));

    private static FallenRatio[] Fallen(params (string Name, double Value)[] measured) =>
        [.. s_committed.Fallen(measured.ToDictionary(ratio => ratio.Name, ratio => ratio.Value, StringComparer.Ordinal))];
}
