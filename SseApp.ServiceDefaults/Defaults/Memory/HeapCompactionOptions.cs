using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>Section <c>HeapCompaction</c>: memory that a process returns to the system after a surge.</summary>
internal sealed class HeapCompactionOptions
{
    public const string SectionName = "HeapCompaction";

    /// <summary>
    /// Compact the managed heap once after it grew and the process has become calm, and once when it has rested for half a minute and the
    /// collector holds much that is not in use. It frees about 2 KiB for each stream
    /// that was opened, and stops all threads for up to 2 ms a MiB of heap, at most <see cref="MaxHeapMiB"/>. Default true.
    /// </summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Seconds without much work that count as calm. 1 to 3 600; default 3.</summary>
    [Range(1, 3_600)]
    public int CalmSeconds { get; set; } = 3;

    /// <summary>Growth of the long-lived heap, in MiB, and at least a fifth of it, that makes it worth the pause; at rest, twice as much that is held unused. Default 16.</summary>
    [Range(1, 1024 * 1024)]
    public int MinGrowthMiB { get; set; } = 16;

    /// <summary>
    /// A larger long-lived heap, in MiB, is left as it is: the pause, which the slowest 1 % of deliveries would show, grows
    /// with it: 44 ms of CPU time for 32 MiB, 89 for 64, 224 for 128, 394 for 256. Default 128, a quarter of a second.
    /// </summary>
    [Range(1, 1024 * 1024)]
    public int MaxHeapMiB { get; set; } = 128;
}

internal static class HeapCompactionExtensions
{
    public static void AddHeapCompaction(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<HeapCompactionOptions>(HeapCompactionOptions.SectionName);
        builder.Services.AddHostedService<HeapCompaction>();
    }
}
