using SseApp.Bench.Report;

namespace SseApp.Bench.Compare;

/// <summary>Conditions without which the numbers would mean nothing, checked before anything starts.</summary>
internal static class Preflight
{
    private const double QuietLoad = 0.5;

    public static void Check(ComparisonOptions options)
    {
        Libc.RequireFiles(
            Math.Max(options.Streams, 2 * options.ProxiedStreams),
            $"{options.Streams} streams and {options.ProxiedStreams} behind a proxy",
            "--streams and --proxied-streams");
        foreach (var core in (int[])[options.ServerCore, options.GeneratorCore])
        {
            if (core >= Machine.Cores())
            {
                throw new BenchException($"This machine has {Machine.Cores()} cores; core {core} is not one of them. Choose others with --server-core and --generator-core, or -1 for no pinning.");
            }
        }
    }

    /// <summary>What a reader of the numbers must know.</summary>
    public static IEnumerable<string> Warnings(ComparisonOptions options)
    {
        if (Workspace.Configuration != "Release")
        {
            yield return "This is a Debug build; its numbers mean nothing. Run with: dotnet run -c Release --project bench/SseApp.Bench -- compare";
        }

        if (options.ServerCore < 0 || options.GeneratorCore < 0 || options.ServerCore == options.GeneratorCore)
        {
            yield return "Servers and generator are not pinned to cores of their own; they disturb each other.";
        }

        if (LoadAverage() is > QuietLoad and var load)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"The load average was {load:0.0} before the run began; something else used the machine a moment ago.");
        }
    }

    /// <summary>Pins all threads of this process; those that are made later inherit it.</summary>
    public static void Pin(int core)
    {
        if (core < 0)
        {
            return;
        }

        using var taskset = Process.Start(new ProcessStartInfo(
            Workspace.Find("taskset") ?? throw new BenchException("taskset is missing (apt-get install util-linux); or pass --server-core -1 --generator-core -1."),
            ["-a", "-c", "-p", core.ToString(CultureInfo.InvariantCulture), Environment.ProcessId.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        taskset.StandardOutput.ReadToEnd();
        taskset.WaitForExit();
    }

    /// <summary>Those that this process may run on.</summary>
    public static int[] AllowedCores() =>
        CoresOf(File.ReadLines("/proc/self/status").First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1]);

    /// <param name="list">As Linux writes it: <c>0-2,5</c>.</param>
    public static int[] CoresOf(string list) =>
    [
        .. from part in list.Trim().Split(',', StringSplitOptions.RemoveEmptyEntries)
           let ends = part.Split('-')
           let first = int.Parse(ends[0], CultureInfo.InvariantCulture)
           from core in Enumerable.Range(first, int.Parse(ends[^1], CultureInfo.InvariantCulture) - first + 1)
           select core,
    ];

    public static double LoadAverage() =>
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
}
