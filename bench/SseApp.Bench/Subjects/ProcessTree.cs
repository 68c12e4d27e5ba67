namespace SseApp.Bench.Subjects;

/// <summary>Some processes and all that they started, as the kernel accounts for them in /proc.</summary>
internal sealed class ProcessTree
{
    // USER_HZ, fixed at 100 on every Linux architecture that .NET runs on.
    private const double TickMicroseconds = 10_000;
    private readonly List<Entry> _entries;

    private ProcessTree(List<Entry> entries) => _entries = entries;

    public static ProcessTree Of(IEnumerable<int> roots)
    {
        var all = Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var id) ? Read(id) : null)
            .OfType<Entry>().ToList();
        var children = all.ToLookup(entry => entry.Parent);
        var found = all.Where(entry => roots.Contains(entry.Id)).ToList();
        for (var i = 0; i < found.Count; i++)
        {
            found.AddRange(children[found[i].Id].Where(child => found.TrueForAll(known => known.Id != child.Id)));
        }

        return new ProcessTree(found);
    }

    /// <summary>CPU time used so far, in user and kernel mode, with that of children that ended; microseconds.</summary>
    public double CpuMicroseconds => _entries.Sum(entry => entry.Ticks) * TickMicroseconds;

    /// <summary>The same to the nanosecond, for short measurements; all of them must still run.</summary>
    public double ExactCpuMicroseconds => _entries.Sum(entry => Libc.CpuMicroseconds(entry.Id));

    /// <summary>Resident memory in KiB, with shared pages divided by their users; the kernel's socket memory is not in it.</summary>
    public long ResidentKiB() => _entries.Sum(entry => Resident(entry.Id));

    public int? FindByCommand(string part) =>
        _entries.Where(entry => CommandLine(entry.Id).Contains(part, StringComparison.Ordinal)).Select(entry => (int?)entry.Id).FirstOrDefault();

    public void KillRest()
    {
        foreach (var entry in _entries)
        {
            // The start time tells a process from a later one with the same id.
            if (Read(entry.Id)?.StartTime == entry.StartTime)
            {
                Libc.Signal(entry.Id, Libc.Kill);
            }
        }
    }

    private static string CommandLine(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static long Resident(int id)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/smaps_rollup").First(line => line.StartsWith("Pss:", StringComparison.Ordinal));
            return long.Parse(line.AsSpan(4, line.Length - 6).Trim(), CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new BenchException($"The memory of process {id} cannot be read; run as the user who owns the servers.", exception);
        }
    }

    private static Entry? Read(int id)
    {
        try
        {
            // The name in parentheses may hold spaces; the numbers follow the last parenthesis.
            var text = File.ReadAllText($"/proc/{id}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            long Field(int number) => long.Parse(fields[number - 3], CultureInfo.InvariantCulture);
            return new Entry(id, (int)Field(4), Field(14) + Field(15) + Field(16) + Field(17), Field(22));
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return null;
        }
    }

    private sealed record Entry(int Id, int Parent, long Ticks, long StartTime);
}
