using System.Diagnostics;

namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>
/// Streams come in waves, and what opening one leaves behind lies between what it keeps; the collector, which sees a heap
/// that hardly changes afterwards, leaves it so for hours. One compaction when the wave is over gives it back, and one when the service rests.
/// </summary>
internal sealed partial class HeapCompaction(IOptions<HeapCompactionOptions> options, TimeProvider time, ILogger<HeapCompaction> logger) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly HeapGrowth _growth = new(options.Value);

    private static (long LongLived, long Held) Heap
    {
        get
        {
            var last = GC.GetGCMemoryInfo(GCKind.Any);
            return (last.GenerationInfo[GC.MaxGeneration].SizeAfterBytes, last.TotalCommittedBytes - last.HeapSizeBytes);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Enabled)
        {
            return;
        }

        using var timer = new PeriodicTimer(s_interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var (longLived, held) = Heap;
                if (_growth.IsDue(longLived, held, GC.GetTotalAllocatedBytes()))
                {
                    Compact();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    /// <summary>Collects all garbage. Aggressive: the freed memory goes back to the system, which is the purpose.</summary>
    internal static void GiveBack() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    private void Compact()
    {
        var before = GC.GetTotalMemory(forceFullCollection: false);
        var started = Stopwatch.GetTimestamp();
        GiveBack();
        var (longLived, held) = Heap;
        _growth.Compacted(longLived, held);
        LogCompacted(logger, before >> 20, GC.GetTotalMemory(forceFullCollection: false) >> 20, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    [LoggerMessage(LogLevel.Information, "The heap was compacted from {Before} to {After} MiB; all threads were stopped for {Milliseconds:0} ms.")]
    private static partial void LogCompacted(ILogger logger, long before, long after, double milliseconds);
}
