using Microsoft.Extensions.Options;
using SseApp.Gateway.Replicas;

namespace SseApp.Gateway.Forwarding;

/// <summary>The memory that all kept bodies share (<see cref="UpstreamOptions.MaxReplayTotalBytes"/>).</summary>
internal sealed class ReplayBudget(IOptions<UpstreamOptions> options)
{
    private long _left = options.Value.MaxReplayTotalBytes;

    /// <returns>False, without effect, when there is not so much left.</returns>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _left, -bytes) >= 0)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    public void Return(int bytes) => Interlocked.Add(ref _left, bytes);
}
