using System.Diagnostics;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>What a process knows of itself, for an operator.</summary>
/// <param name="ProcessId">Of the operating system, on <paramref name="Machine"/>.</param>
/// <param name="Machine">Name of the machine or container.</param>
/// <param name="Runtime">Version of .NET.</param>
/// <param name="Processors">Cores that it may use.</param>
/// <param name="Threads">Of the operating system.</param>
/// <param name="OpenFiles">Descriptors in use; null where the system does not say.</param>
/// <param name="Memory">In bytes.</param>
/// <param name="Rates">Averages of the last 5 to 10 s.</param>
/// <param name="Limits">What it may use, whether that is a default or not.</param>
/// <param name="Settings">Those that are not the defaults.</param>
internal sealed record ProcessDetails(
    int ProcessId,
    string Machine,
    string Runtime,
    int Processors,
    int Threads,
    int? OpenFiles,
    ProcessMemory Memory,
    ProcessRates Rates,
    ProcessLimits Limits,
    ChangedSetting[] Settings)
{
    public static ProcessDetails Read(ProcessRates rates, ProcessLimits limits, DescriptorReading? descriptors, ChangedSetting[] settings)
    {
        using var process = Process.GetCurrentProcess();
        var gc = GC.GetGCMemoryInfo();
        return new ProcessDetails(
            Environment.ProcessId,
            Environment.MachineName,
            Environment.Version.ToString(),
            Environment.ProcessorCount,
            process.Threads.Count,
            descriptors?.Open,
            new ProcessMemory(Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: false), gc.TotalAvailableMemoryBytes),
            rates,
            limits,
            settings);
    }
}

/// <summary>Memory of a process, in bytes.</summary>
/// <param name="WorkingSet">Resident.</param>
/// <param name="Managed">Of the garbage collected heap.</param>
/// <param name="Available">What the runtime may use at most: the machine's or the container's.</param>
internal sealed record ProcessMemory(long WorkingSet, long Managed, long Available);

/// <summary>What a replica does in a second.</summary>
/// <param name="Published">Events of its topics with subscribers.</param>
/// <param name="Delivered">Events written to streams.</param>
internal sealed record ProcessRates(double Published, double Delivered);

/// <summary>What a replica may use.</summary>
/// <param name="Streams">Streams at the same time.</param>
/// <param name="TopicsPerStream">Topics of one of them.</param>
/// <param name="BacklogBytes">What may wait for one client.</param>
/// <param name="Memory">Resident bytes above which it drains and is restarted; 0: none.</param>
/// <param name="OpenFiles">Descriptors; null where the system does not say.</param>
internal sealed record ProcessLimits(int Streams, int TopicsPerStream, long BacklogBytes, long Memory, long? OpenFiles);
