using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>Whether the memory guard can act before the system does: what is beyond the limit of a container is killed, without a drain.</summary>
internal static class MemoryRoom
{
    // The guard looks at what is resident; the system counts what it keeps for the process beside that.
    private const double Share = 0.9;

    private const string Machine = "/proc/meminfo";
    private const string MachineLine = "MemTotal:";

    /// <summary>Most memory that the process may have: of its container, or of the machine. The collector's own limit, which is less, is for its heap alone.</summary>
    public static long Limit => Math.Min(ControlGroup.OfThisProcess.Memory ?? long.MaxValue, OfMachine());

    /// <summary>What is wrong with a guard of this limit, or null.</summary>
    public static string? Warning(ByteSize guard, long limit) => guard.Bytes > 0 && guard.Bytes > Share * limit
        ? $"MemoryGuard:Limit is {guard}, but the process may have only {new ByteSize(limit)} (its container's limit, or the machine's memory): the system would end it, with all its streams at once, before it drains. Set MemoryGuard:Limit to {new ByteSize((long)(0.8 * limit))}, or give it more memory."
        : null;

    /// <summary>
    /// Most that the collector lets the heap have: <c>DOTNET_GCHeapHardLimit</c>, or three quarters of a container's limit. A heap that
    /// is full ends requests, and threads of libraries that expect no such thing, and with these the process.
    /// </summary>
    public static long HeapLimit => GC.GetGCMemoryInfo() is { TotalAvailableMemoryBytes: > 0 and var bytes } ? bytes : long.MaxValue;

    /// <summary>
    /// What is to be said of a guard that the heap's limit comes long before, or null. The guard does not act at that by itself: what is
    /// resident is more than the heap, so a small heap would have it end a process that has all it needs.
    /// </summary>
    public static string? HeapWarning(ByteSize guard, long heap) => guard.Bytes > 0 && heap < Share * guard.Bytes
        ? $"MemoryGuard:Limit is {guard}, but the collector lets the heap have only {new ByteSize(heap)} (DOTNET_GCHeapHardLimit or DOTNET_GCHeapHardLimitPercent, or a part of the container's limit): requests would fail for want of memory, or the process end, before the guard drains it. Let the heap have more, or set MemoryGuard:Limit to less."
        : null;

    private static long OfMachine()
    {
        try
        {
            return OperatingSystem.IsLinux()
                && File.ReadLines(Machine).FirstOrDefault(line => line.StartsWith(MachineLine, StringComparison.Ordinal)) is { } line
                && long.TryParse(line[MachineLine.Length..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var kilobytes)
                    ? kilobytes << 10
                    : long.MaxValue;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;
        }
    }
}
