namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>
/// Lets clients in by the dozen: while so many connections have not been answered yet, further ones wait in the system's queue. For a
/// service that asks another one: it has little to do itself while thousands of its clients wait there, and what comes on a
/// connection that is open, such as a publish, waits behind all of them. Who waits for its client keeps no place, and nobody waits here
/// for longer than a moment: who connects and stays silent keeps nobody else out.
/// </summary>
internal sealed class AcceptGate(TimeProvider time)
{
    /// <summary>Who accepts asks before each of as many.</summary>
    public const int Together = 16;

    private const int PlacesOfCore = 128;
    private const int MaxWaits = 20;

    private static readonly TimeSpan s_wait = TimeSpan.FromMilliseconds(1);

    // After the first a connection keeps no place if it waits for its client, after the second in any case.
    private static readonly TimeSpan s_minSilence = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_maxOpening = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly Queue<(ConnectionSlot Slot, long Since)> _accepted = new();
    private int _unanswered;

    /// <summary>As many may have one at a time.</summary>
    public int Places { get; } = PlacesOfCore * Environment.ProcessorCount;

    /// <summary>Connections that have a place.</summary>
    public int Unanswered => Volatile.Read(ref _unanswered);

    /// <summary>Gives a place to a connection that was accepted, also when there is none left: asking is the business of who accepts.</summary>
    public void Enter(ConnectionSlot slot)
    {
        Interlocked.Increment(ref _unanswered);
        slot.TakePlace(this);
        lock (_gate)
        {
            _accepted.Enqueue((slot, time.GetTimestamp()));
        }
    }

    /// <summary>For a slot that gives its place back.</summary>
    public void Leave() => Interlocked.Decrement(ref _unanswered);

    /// <summary>Waits for a place, for a moment at most.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        for (var waits = 0; IsFull() && waits < MaxWaits && !cancellationToken.IsCancellationRequested; waits++)
        {
            // What is waited for is work that goes on, whatever the time is said to be.
            await Task.Delay(s_wait, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Whether further ones have to wait. Those that keep no place any more have lost it afterwards.</summary>
    internal bool IsFull()
    {
        lock (_gate)
        {
            while (_accepted.TryPeek(out var oldest) && (!oldest.Slot.HasPlace || IsOver(oldest.Slot, time.GetElapsedTime(oldest.Since))))
            {
                _accepted.Dequeue();
                oldest.Slot.OnFirstAnswer();
            }
        }

        return Unanswered >= Places;
    }

    private bool IsOver(ConnectionSlot slot, TimeSpan age) =>
        age >= s_maxOpening || (age >= s_minSilence && Unanswered >= Places && slot.WaitsForClient());
}
