namespace SseApp.Gateway.Canary;

/// <summary>
/// What became of each event of the canary. The events are numbered from 1. Lost is what was acknowledged and did not arrive in time;
/// the clock of that stands still while nothing can arrive, and a gap report is no silence.
/// </summary>
/// <param name="lostAfter">See <see cref="CanaryOptions.LostAfter"/>.</param>
/// <param name="time">Clock.</param>
internal sealed class CanaryLedger(TimeSpan lostAfter, TimeProvider time)
{
    /// <summary>Events that may be under way; with more nothing is published, so that the log never has to drop one that was not read.</summary>
    public const int MaxWaiting = 300;

    // An event that nobody has acknowledged is waited for so long: a publisher's own time limit is shorter.
    private static readonly TimeSpan s_unconfirmedFor = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();

    // In the order of their numbers.
    private readonly SortedDictionary<long, Sent> _waiting = [];
    private readonly Queue<long> _givenUp = new();
    private TimeSpan _live;
    private long _lastTick = time.GetTimestamp();
    private long _lastNumber;
    private long _newest;

    /// <summary>Whether as many as may be are under way.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count >= MaxWaiting;
            }
        }
    }

    /// <summary>The next event is about to be published.</summary>
    /// <returns>Its number.</returns>
    public long Begin()
    {
        lock (_gate)
        {
            _waiting.Add(++_lastNumber, new Sent(time.GetTimestamp()));
            return _lastNumber;
        }
    }

    /// <summary>It was acknowledged; perhaps it has arrived already.</summary>
    public void Stored(long number)
    {
        lock (_gate)
        {
            if (_waiting.TryGetValue(number, out var sent))
            {
                sent.StoredAt = _live;
            }
        }
    }

    /// <summary>An event has arrived.</summary>
    /// <returns>What it is, and how long it was under way.</returns>
    public (CanaryArrival Arrival, TimeSpan Latency) Receive(long number)
    {
        lock (_gate)
        {
            var late = number < _newest;
            _newest = Math.Max(_newest, number);
            return _waiting.Remove(number, out var sent) ? (late ? CanaryArrival.Reordered : CanaryArrival.InOrder, time.GetElapsedTime(sent.SentAt))
                : _givenUp.Contains(number) ? (CanaryArrival.TooLate, default)
                // One of the future is of nobody.
                : number > _lastNumber || number < 1 ? (CanaryArrival.Foreign, default)
                : (CanaryArrival.Duplicate, default);
        }
    }

    /// <summary>The stream reported a gap: what is still missing of what was published before is no silent loss.</summary>
    public void Gap()
    {
        lock (_gate)
        {
            foreach (var sent in _waiting.Values)
            {
                sent.IsReported = true;
            }
        }
    }

    /// <summary>To be called about once a second.</summary>
    /// <param name="live">Whether the stream is open and the last publish was acknowledged.</param>
    /// <returns>How many events are lost since the last call.</returns>
    public int Tick(bool live)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _live += live ? time.GetElapsedTime(_lastTick, now) : TimeSpan.Zero;
            _lastTick = now;
            var lost = 0;
            foreach (var (number, sent) in _waiting.ToArray())
            {
                if (sent.StoredAt is { } storedAt ? _live - storedAt < lostAfter : time.GetElapsedTime(sent.SentAt, now) < s_unconfirmedFor)
                {
                    continue;
                }

                lost += sent is { StoredAt: not null, IsReported: false } ? 1 : 0;
                _waiting.Remove(number);
                _givenUp.Enqueue(number);
            }

            // It may still come, and is no duplicate then.
            while (_givenUp.Count > 2 * MaxWaiting)
            {
                _givenUp.Dequeue();
            }

            return lost;
        }
    }

    private sealed class Sent(long sentAt)
    {
        public long SentAt => sentAt;

        /// <summary>On the clock that stands still while nothing can arrive; null: it was not acknowledged.</summary>
        public TimeSpan? StoredAt { get; set; }

        public bool IsReported { get; set; }
    }
}

/// <summary>What an event is that arrives.</summary>
internal enum CanaryArrival
{
    InOrder,

    /// <summary>For the first time, after a later one.</summary>
    Reordered,

    /// <summary>Not for the first time.</summary>
    Duplicate,

    /// <summary>It was given up before, and counted as lost if it was acknowledged.</summary>
    TooLate,

    /// <summary>It was never published here.</summary>
    Foreign,
}
