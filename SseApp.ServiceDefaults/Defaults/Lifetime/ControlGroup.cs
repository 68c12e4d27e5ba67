namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>What Linux lets the process have as a member of its control groups, which is how containers, pods and units of systemd are limited.</summary>
/// <param name="mount">Where the system shows them.</param>
/// <param name="membership">File that says which ones they are.</param>
internal sealed class ControlGroup(string mount = "/sys/fs/cgroup", string membership = "/proc/self/cgroup")
{
    // Of version 2, which has one hierarchy for everything; where version 1 is in use beside it, it stands below.
    private const string Unified = "unified";

    public static ControlGroup OfThisProcess { get; } = new();

    /// <summary>Most bytes of memory; null where nothing limits them.</summary>
    public long? Memory => Smallest("memory", "memory.max", "memory.limit_in_bytes")?.Limit;

    /// <summary>Most threads of all processes of the group that has the fewest, and those that there are; null where nothing limits them.</summary>
    public (long Limit, long Used)? Threads =>
        Smallest("pids", "pids.max") is var (limit, folder) && Number(Path.Combine(folder, "pids.current")) is { } used ? (limit, used) : null;

    private (long Limit, string Folder)? Smallest(string controller, params string[] files)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            return Folders(controller)
                .SelectMany(folder => files.Select(file => (Limit: Number(Path.Combine(folder, file)), Folder: folder)))
                .Where(found => found.Limit is not null)
                .Select(found => ((long Limit, string Folder)?)(found.Limit!.Value, found.Folder))
                .MinBy(found => found!.Value.Limit);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // The limit of each group counts for all below it. A container that sees the groups of its host finds its own where its mount begins.
    private IEnumerable<string> Folders(string controller)
    {
        foreach (var line in File.ReadLines(membership))
        {
            if (line.Split(':', 3) is not [_, var controllers, var path])
            {
                continue;
            }

            string[] roots = controllers.Length == 0
                ? [mount, Path.Combine(mount, Unified)]
                : controllers.Split(',').Contains(controller, StringComparer.Ordinal) ? [Path.Combine(mount, controllers), Path.Combine(mount, controller)] : [];
            foreach (var root in roots.Distinct(StringComparer.Ordinal))
            {
                for (var group = path.Trim('/'); group.Length > 0; group = Path.GetDirectoryName(group) ?? "")
                {
                    yield return Path.Combine(root, group);
                }

                yield return root;
            }
        }
    }

    // "max" is none.
    private static long? Number(string file)
    {
        try
        {
            return File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
