namespace SseApp.AppHost.Supervision;

/// <summary>
/// Decides which replica, if any, is restarted because it is slow. When all are, the cause is none of them, so there must be
/// one that has kept up for as long as the slow one has not.
/// </summary>
internal sealed class SlowWatch(RestartPolicy policy, TimeProvider time)
{
    private readonly Dictionary<string, (bool Slow, long Since)> _known = new(StringComparer.Ordinal);

    /// <returns>Id of the instance to restart now, or null.</returns>
    public string? Next(IReadOnlyCollection<SlowReading> readings)
    {
        var now = time.GetTimestamp();
        foreach (var reading in readings)
        {
            var slow = reading.SchedulingDelay > policy.SlowLimit;
            if (!reading.IsReady)
            {
                _known.Remove(reading.Id);
            }
            else if (!_known.TryGetValue(reading.Id, out var known) || known.Slow != slow)
            {
                _known[reading.Id] = (slow, now);
            }
        }

        if (policy.SlowAfter == TimeSpan.Zero || readings.Any(reading => reading.IsRestarting))
        {
            return null;
        }

        var lasting = _known.Where(known => time.GetElapsedTime(known.Value.Since, now) >= policy.SlowAfter).ToArray();
        return lasting.Any(known => !known.Value.Slow)
            ? lasting.Where(known => known.Value.Slow).OrderBy(known => known.Value.Since).Select(known => known.Key).FirstOrDefault()
            : null;
    }
}

/// <summary>One replica, as the registry last said.</summary>
/// <param name="Id">Of the instance.</param>
/// <param name="IsReady">In the registry.</param>
/// <param name="SchedulingDelay">How long its work waited for a thread.</param>
/// <param name="IsRestarting">It is being restarted, or that did not help: one at a time.</param>
internal readonly record struct SlowReading(string Id, bool IsReady, TimeSpan SchedulingDelay, bool IsRestarting);
