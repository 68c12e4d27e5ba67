using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.MicroBench;

/// <summary>A client that takes everything at once; counts the events by their blank lines.</summary>
internal sealed class CountingWriter : IStreamWriter
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);
    private long _frames;

    public long Frames => Interlocked.Read(ref _frames);

    public ValueTask<bool> SendAsync(SendBuffer buffer)
    {
        // The opening block has one event behind a comment that ends with a blank line, too.
        Interlocked.Add(ref _frames, buffer.Payload.Count("data: "u8));
        return ValueTask.FromResult(true);
    }

    public void Abort() => throw new NotSupportedException("Nothing here is slow.");

    /// <summary>Spins, because a wait handle would cost more than what is measured.</summary>
    public void Wait(long frames)
    {
        if (!SpinWait.SpinUntil(() => Frames >= frames, s_limit))
        {
            throw new TimeoutException($"{Frames} of {frames} events were written within {s_limit.TotalSeconds} s.");
        }
    }
}
