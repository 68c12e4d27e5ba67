using System.IO.Enumeration;
using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// What the system says of the descriptors of this process. At its start the .NET runtime raises the soft limit to the hard
/// one, so the soft limit that is read here is what <c>ulimit -Hn</c> shows.
/// </summary>
internal class DescriptorSource
{
    /// <summary>
    /// No service starts with fewer: each library that it has loaded is two open files, and where one more cannot be loaded the
    /// runtime ends the process with "Out of memory.". They come to 265 for a replica and 315 for a gateway.
    /// </summary>
    public const int MinLimit = 400;

    private const string Folder = "/proc/self";
    private const string LimitLine = "Max open files";

    private DescriptorReading? _last;

    /// <summary>Limit and open ones now; null where the system does not say.</summary>
    public virtual DescriptorReading? Read()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            return _last = new DescriptorReading(ReadLimit(), CountOpen());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Reading takes a descriptor: there is none left. Without an earlier reading there is no /proc.
            return _last is { } last ? last with { Open = last.Limit } : null;
        }
    }

    /// <summary>Why the process cannot start under its limit, or null.</summary>
    public static string? TooFew() => new DescriptorSource().Read() is { Limit: var limit } && limit < MinLimit
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"The limit of open files is {limit}; this service needs at least {MinLimit}, and one more for each stream. Raise it (ulimit -n, LimitNOFILE=, ulimits.nofile).")
        : null;

    private static int ReadLimit()
    {
        foreach (var line in File.ReadLines($"{Folder}/limits"))
        {
            if (line.StartsWith(LimitLine, StringComparison.Ordinal))
            {
                var soft = line[LimitLine.Length..].Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[0];
                return int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : int.MaxValue;
            }
        }

        return int.MaxValue;
    }

    // Since Linux 6.2 the folder's size is the number of its entries; without it they are counted, which costs some
    // milliseconds for each ten thousand.
    private static int CountOpen()
    {
        var size = new FileSystemEnumerable<long>(Folder, static (ref entry) => entry.Length)
        {
            ShouldIncludePredicate = static (ref entry) => entry.FileName is "fd",
        }.Sum();
        return size > 0
            ? (int)size
            : new FileSystemEnumerable<int>($"{Folder}/fd", static (ref _) => 1, new EnumerationOptions { AttributesToSkip = FileAttributes.None }).Sum();
    }
}

/// <summary>Descriptors of the process.</summary>
/// <param name="Limit">Most that it may have open.</param>
/// <param name="Open">Those that are open.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DescriptorReading(int Limit, int Open);
