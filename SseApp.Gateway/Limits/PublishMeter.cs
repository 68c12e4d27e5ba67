using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>
/// Holds a publish that streams to its client's rate: nobody refuses its lines, but no more is read. Lines are charged for the most that they
/// could store before their ends are forwarded, as a batch is, and get back what they did not store when their replica has told so. So
/// any number of streams at once has the bound of one. A line without its end stores nothing and costs nothing.
/// </summary>
internal sealed class PublishMeter(RequestRates rates, ClientKey account, ClientBudget budget, OpenPublishes open, TimeProvider time)
{
    // The refill of a bucket is asked for; what others give back is noticed sooner.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    private long _taken;
    private long _settled;
    private bool _isOpen;
    private bool _isOver;

    /// <summary>Waits until the client may publish, and charges it for lines of so many bytes.</summary>
    public async ValueTask TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        while (!TryTake(bytes, out var wait, out var next))
        {
            var longest = wait < s_look ? wait : s_look;
            await (next?.Task ?? Task.Delay(longest, time, cancellationToken)).WaitAsync(longest, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Charges what lines have stored instead of what they could have.</summary>
    public void Settle(PublishSettled settled)
    {
        lock (open.Gate)
        {
            if (_isOver)
            {
                return;
            }

            var done = Math.Clamp(settled.Body, _settled, _taken);
            rates.Charge(account, budget, Math.Max(settled.Events, 0) - Events(_settled, done), Math.Max(settled.Stored, done - _settled) - Bytes(_settled, done));
            _settled = done;
            Leave();
            if (_settled < _taken)
            {
                Enter();
            }
        }
    }

    /// <summary>The stream is over.</summary>
    /// <param name="isKnown">What was not settled was not stored; else it may have been, and who leaves before the answer does not publish for nothing.</param>
    public void End(bool isKnown)
    {
        lock (open.Gate)
        {
            if (!_isOver && isKnown)
            {
                rates.Charge(account, budget, -Events(_settled, _taken), -Bytes(_settled, _taken));
            }

            _isOver = true;
            Leave();
        }
    }

    private bool TryTake(long bytes, out TimeSpan wait, out TaskCompletionSource? next)
    {
        // At once, as for every publish: what has taken its room and is not counted yet would be waited for by nobody.
        lock (open.Gate)
        {
            if (rates.TryTake(account, budget, Events(_taken, _taken + bytes), Bytes(_taken, _taken + bytes)) is { } until)
            {
                (wait, next) = (until, open.NextOf(account));
                return false;
            }

            _taken += bytes;
            Enter();
            (wait, next) = (default, null);
            return true;
        }
    }

    private void Enter()
    {
        if (!_isOpen)
        {
            _isOpen = true;
            open.Enter(account, isBatch: true);
        }
    }

    private void Leave()
    {
        if (_isOpen)
        {
            _isOpen = false;
            open.Leave(account, isBatch: true);
        }
    }

    // Differences of what all of the body up to a byte is charged, so that what is given back is what was taken.
    private static long Events(long from, long to) => (to / RequestRates.BytesOfTopic) - (from / RequestRates.BytesOfTopic);

    private static long Bytes(long from, long to) => (to - from) * RequestRates.MaxGrowthOfBatch;
}
