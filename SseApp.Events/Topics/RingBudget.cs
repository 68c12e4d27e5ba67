using Microsoft.Extensions.Options;

namespace SseApp.Events.Topics;

/// <summary>The memory that recent events may take, for each topic and in all.</summary>
internal sealed class RingBudget(IOptions<TopicsOptions> options)
{
    private long _used;

    public int PerTopic { get; } = options.Value.RingBytes;

    public bool IsExceeded => Interlocked.Read(ref _used) > options.Value.TotalRingBytes;

    public void Add(long bytes) => Interlocked.Add(ref _used, bytes);
}
