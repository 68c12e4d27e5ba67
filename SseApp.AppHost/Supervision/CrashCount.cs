using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.AppHost.Supervision;

/// <summary>Decides, for one instance, whether and when it is started again.</summary>
internal sealed class CrashCount(RestartPolicy policy)
{
    private int _shortLived;

    public RestartDecision Ended(int? exitCode, TimeSpan uptime)
    {
        if (exitCode is ExitCodes.Restart or ExitCodes.MemoryGuard)
        {
            _shortLived = uptime < policy.MinUptime ? _shortLived : 0;
            return new RestartDecision(TimeSpan.Zero, Crash: false, _shortLived);
        }

        _shortLived = uptime < policy.MinUptime ? _shortLived + 1 : 0;
        return new RestartDecision(_shortLived >= policy.MaxRestarts ? null : Delay(), Crash: true, _shortLived);
    }

    /// <summary>A person started it: what was before does not count.</summary>
    public void Reset() => _shortLived = 0;

    private TimeSpan Delay()
    {
        if (!policy.Exponential || _shortLived <= 1)
        {
            return policy.Delay;
        }

        // Beyond 2^20 any delay is longer than the longest one allowed.
        var delay = policy.Delay * Math.Pow(2, Math.Min(_shortLived - 1, 20));
        return delay < policy.MaxDelay ? delay : policy.MaxDelay;
    }
}
