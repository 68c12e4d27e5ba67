namespace SseApp.AppHost.Supervision;

/// <summary>
/// Decides, for one instance, from what its probes find, whether its process hangs, and says after a restart how that went.
/// A process that starts may be silent for longer, until its first answer.
/// </summary>
internal sealed class HangWatch(RestartPolicy policy, TimeProvider time)
{
    /// <summary>Time from a start that replaced a process until it must answer.</summary>
    public static readonly TimeSpan CheckAfter = TimeSpan.FromSeconds(10);

    /// <summary>With the gateway's word that it is frozen, so much silence is enough.</summary>
    public static readonly TimeSpan FrozenSilence = TimeSpan.FromSeconds(5);

    /// <summary>Time from the order to restart until the new process must be there: a drain, and a start that waits for Redis.</summary>
    public static readonly TimeSpan ReplacementLimit = TimeSpan.FromMinutes(1);

    // Longer pauses between two readings are this program's own, or the machine's: nobody was asked meanwhile.
    private static readonly TimeSpan s_longestStep = LivenessProbe.Timeout + (2 * LivenessProbe.Interval);

    private readonly Lock _gate = new();
    private long _readAt = time.GetTimestamp();
    private long _startedAt;
    private long? _orderedAt;
    private TimeSpan _silence;
    private TimeSpan _frozen;
    private bool _running;
    private bool _answered;
    private bool _debugged;
    private bool _needsPerson;

    /// <summary>True from a restart that was ordered here until it is known to have helped.</summary>
    public bool IsRestarting
    {
        get
        {
            lock (_gate)
            {
                return _orderedAt is not null;
            }
        }
    }

    /// <summary>There is a new process.</summary>
    public void Started()
    {
        lock (_gate)
        {
            (_running, _answered, _debugged) = (true, false, false);
            _silence = _frozen = TimeSpan.Zero;
            _startedAt = _readAt = time.GetTimestamp();
        }
    }

    /// <summary>The process ended, and is started again.</summary>
    public void Ended()
    {
        lock (_gate)
        {
            _running = false;
        }
    }

    /// <summary>A person stopped it, or it is not started again: whatever was wrong is in other hands.</summary>
    public void Left()
    {
        lock (_gate)
        {
            (_running, _orderedAt, _needsPerson) = (false, null, false);
        }
    }

    /// <summary>It is restarted for another reason than silence; how that goes is watched all the same.</summary>
    public void Ordered()
    {
        lock (_gate)
        {
            Order();
        }
    }

    public HangVerdict Next(LivenessReading reading)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var step = time.GetElapsedTime(_readAt, now);
            step = step < s_longestStep ? step : s_longestStep;
            _readAt = now;
            if (!_running)
            {
                return _orderedAt is { } at && !_needsPerson && time.GetElapsedTime(at, now) >= ReplacementLimit ? NeedsPerson() : HangVerdict.None;
            }

            var alive = reading.Answer is LivenessAnswer.Alive or LivenessAnswer.Debugged;
            _answered |= alive;
            _debugged = reading.IsTraced || (alive ? reading.Answer == LivenessAnswer.Debugged : _debugged);
            _silence = alive || _debugged ? TimeSpan.Zero : _silence + step;
            // Until this process has answered, it is the one before it that the gateway has lost.
            _frozen = reading.IsFrozen && !_debugged && _answered ? _frozen + step : TimeSpan.Zero;
            return _orderedAt is null ? Judge(reading) : Outcome(alive, now);
        }
    }

    private HangVerdict Judge(LivenessReading reading)
    {
        var verdict = _silence switch
        {
            _ when !_answered => policy.StartLimit > TimeSpan.Zero && _silence >= policy.StartLimit ? HangVerdict.KillStart : HangVerdict.None,
            _ when policy.HungAfter == TimeSpan.Zero => HangVerdict.None,
            _ when _silence >= policy.HungAfter => reading.Answer == LivenessAnswer.Unhealthy ? HangVerdict.Drain : HangVerdict.Kill,
            _ when reading.IsFrozen && _silence >= FrozenSilence => HangVerdict.Kill,
            // It answers here, but has been neither in the registry nor answered the gateway for as long: what it has left is a drain.
            _ when _frozen >= policy.HungAfter && _silence == TimeSpan.Zero => HangVerdict.Drain,
            _ => HangVerdict.None,
        };
        if (verdict != HangVerdict.None)
        {
            Order();
        }

        return verdict;
    }

    private HangVerdict Outcome(bool alive, long now)
    {
        if (alive && (_needsPerson || time.GetElapsedTime(_startedAt, now) >= CheckAfter))
        {
            (_orderedAt, _needsPerson, _frozen) = (null, false, TimeSpan.Zero);
            return HangVerdict.Recovered;
        }

        return !alive && !_needsPerson && time.GetElapsedTime(_startedAt, now) >= CheckAfter ? NeedsPerson() : HangVerdict.None;
    }

    private HangVerdict NeedsPerson()
    {
        _needsPerson = true;
        return HangVerdict.NeedsPerson;
    }

    // What the old process does from here on does not count.
    private void Order() => (_orderedAt, _needsPerson, _running) = (time.GetTimestamp(), false, false);
}

/// <summary>What is known of a process at one moment.</summary>
/// <param name="Answer">Of its own probe.</param>
/// <param name="IsFrozen">The gateway lost it: it neither sends heartbeats nor answers.</param>
/// <param name="IsTraced">A debugger holds the process.</param>
internal readonly record struct LivenessReading(LivenessAnswer Answer, bool IsFrozen = false, bool IsTraced = false);

/// <summary>What follows from a <see cref="LivenessReading"/>.</summary>
internal enum HangVerdict
{
    None,

    /// <summary>It hangs and hears nothing: kill it, and start it again.</summary>
    Kill,

    /// <summary>It has hung since its start: kill it, and start it again.</summary>
    KillStart,

    /// <summary>It hangs but answers: stop it in order, and start it again.</summary>
    Drain,

    /// <summary>The new process answers.</summary>
    Recovered,

    /// <summary>The new process does not answer, or there is none.</summary>
    NeedsPerson,
}
