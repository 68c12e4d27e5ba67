using System.Runtime.InteropServices;

namespace SseApp.Bench.Report;

internal static class Machine
{
    public static string Describe()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024.0 * 1024 * 1024);
        var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{model ?? "unknown processor"}, {Cores()} cores, {memory:0} GiB, Linux {kernel}, {RuntimeInformation.FrameworkDescription}");
    }

    /// <summary>Of the machine, also when this process is pinned to one of them.</summary>
    public static int Cores() => File.ReadLines("/proc/cpuinfo").Count(line => line.StartsWith("processor", StringComparison.Ordinal));

    /// <summary>The commit that was measured, or null outside a clone.</summary>
    public static string? Commit(Workspace workspace) =>
        Workspace.Find("git") is { } git && Output(git, "-C", workspace.Root, "describe", "--always", "--dirty") is { Length: > 0 and < 60 } commit ? commit : null;

    public static IEnumerable<string> Versions(Workspace workspace)
    {
        (string Program, string Argument)[] programs = [("nginx", "-v"), ("haproxy", "-v"), ("redis-server", "--version"), ("node", "--version")];
        foreach (var (program, argument) in programs)
        {
            if (Workspace.Find(program) is { } path && (program != "redis-server" || !workspace.UseGarnet))
            {
                yield return $"{program} {Output(path, argument)}";
            }
        }

        if (workspace.UseGarnet)
        {
            yield return $"Garnet ({Workspace.GarnetPath})";
        }
    }

    private static string Output(string path, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var text = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return text.Split('\n')[0].Trim();
    }
}
