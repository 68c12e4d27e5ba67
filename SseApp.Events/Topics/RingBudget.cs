namespace SseApp.Events.Topics;

/// <summary>The memory that recent events may take, for each topic and in all.</summary>
internal sealed class RingBudget(IOptions<TopicsOptions> options)
{
    private long _used;

    public int PerTopic { get; } = options.Value.RingBytes;

    public long Used => Interlocked.Read(ref _used);

    public bool IsExceeded => Used > options.Value.TotalRingBytes;

    public void Add(long bytes) => Interlocked.Add(ref _used, bytes);
}
