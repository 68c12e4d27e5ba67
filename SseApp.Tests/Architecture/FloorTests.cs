using System.Text.RegularExpressions;

namespace SseApp.Tests.Architecture;

/// <summary>
/// A folder is a feature and stands on a floor; it may use what stands below it. CONTRIBUTING.md has the same order.
/// </summary>
public sealed partial class FloorTests
{
    // From the ground up. What knows everything (Program, the registrations) stands in the project's root.
    internal static readonly Dictionary<string, string[]> s_floors = new(StringComparer.Ordinal)
    {
        ["SseApp.ServiceDefaults"] =
        [
            "Cluster.Protocol", "Defaults.Lifetime", "Defaults.Keys", "Defaults.Http", "Defaults.Admin", "Defaults.Health", "Defaults.Telemetry", "Defaults.Descriptors", "Cluster.Redis", "Cluster.Signing", "Cluster.Credentials", "Cluster.Archive", "Cluster.Placement",
            "Cluster.Operators", "Cluster.Leases", "Defaults.Memory", "Cluster.Replicas", "Cluster.Writers", "Cluster.Relay", "Cluster.WarmUp",
        ],
        ["SseApp.Events"] =
            ["Log", "Diagnostics", "Archive", "Http", "Access", "FanOut", "Topics", "Relay", "Replicas", "Publishing", "TopicApi", "Operators", "Streams"],
        ["SseApp.Gateway"] =
        [
            "Telemetry", "Requests", "Clients", "Replicas", "Refusals", "Balancing", "Health", "Streams", "Limits", "Security", "Tls", "Compression",
            "AccessLog", "Pages", "Console", "Relay", "Forwarding", "Routing", "Alerts", "Operators", "Canary", "LiveState",
        ],
        ["SseApp.Cli"] = ["Sizing", "Gateway", "Output", "Positions", "Commands"],
        ["SseApp.AppHost"] = ["Startup", "Backplane", "Archive", "Supervision", "Operations", "Monitoring"],
    };

    public static TheoryData<string> Projects => [.. s_floors.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_folder_uses_only_what_stands_below_it(string project)
    {
        var floors = s_floors[project];
        var root = Path.Combine(Repository.Root!, project);
        var wrong = new List<string>();
        foreach (var file in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '.');
            if (relative.StartsWith("obj.", StringComparison.Ordinal) || relative.StartsWith("bin.", StringComparison.Ordinal) || !relative[..^3].Contains('.', StringComparison.Ordinal))
            {
                continue;
            }

            var own = Array.FindIndex(floors, floor => relative.StartsWith($"{floor}.", StringComparison.Ordinal));
            if (own < 0)
            {
                wrong.Add($"{project}/{relative}: its folder is on no floor; add it to the list in this test and to CONTRIBUTING.md.");
                continue;
            }

            foreach (var used in Using().Matches(File.ReadAllText(file)).Select(match => match.Groups["name"].Value).Where(name => name.StartsWith($"{project}.", StringComparison.Ordinal)))
            {
                var other = Array.FindIndex(floors, floor => $"{used}.".StartsWith($"{project}.{floor}.", StringComparison.Ordinal));
                if (other > own)
                {
                    wrong.Add($"{project}/{relative}: {floors[own]} must not use {used}, which stands above it; the file belongs in {floors[other]}, or what it uses belongs further down.");
                }
            }
        }

        // A project that used a folder of its own everywhere would hide arrows from this test.
        Assert.DoesNotContain($"<Using Include=\"{project}.", File.ReadAllText(Path.Combine(root, $"{project}.csproj")), StringComparison.Ordinal);
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [GeneratedRegex(@"^\s*(?:global )?using (?:static )?(?:\w+ = )?(?<name>[\w.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Using();
}
