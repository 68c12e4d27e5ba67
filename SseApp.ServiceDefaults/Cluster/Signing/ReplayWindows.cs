using System.Collections.Concurrent;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>
/// Remembers which requests were there. Each sender numbers its requests to a receiver, and the receiver keeps one bit for
/// each of the last numbers, as IPsec does (RFC 4303, 3.4.3): that costs the same however many requests come in a minute.
/// </summary>
internal sealed class ReplayWindows(TimeProvider time)
{
    /// <summary>Numbers that may still come after the highest one: more than are ever under way at once.</summary>
    public const int Size = 1 << 17;

    /// <summary>Senders at once; each has proved to have the key.</summary>
    public const int MaxSenders = 1024;

    private readonly ConcurrentDictionary<ulong, Window> _senders = new();

    /// <returns>False for a number that was there, or may have been.</returns>
    public bool TryAccept(ulong sender, long number)
    {
        if (!_senders.TryGetValue(sender, out var window))
        {
            if (_senders.Count >= MaxSenders)
            {
                Forget();
                if (_senders.Count >= MaxSenders)
                {
                    return false;
                }
            }

            window = _senders.GetOrAdd(sender, static _ => new Window());
        }

        return window.TryAccept(number, time.GetTimestamp());
    }

    // Everything that they signed is too old by now, also if their clock was ahead.
    private void Forget()
    {
        foreach (var (sender, window) in _senders)
        {
            if (time.GetElapsedTime(window.LastAt) > 2 * RecordSignature.Lifetime)
            {
                _senders.TryRemove(sender, out _);
            }
        }
    }

    private sealed class Window
    {
        private readonly Lock _gate = new();
        private readonly ulong[] _bits = new ulong[Size / 64];
        private long _highest;
        private long _lastAt;

        public long LastAt => Interlocked.Read(ref _lastAt);

        public bool TryAccept(long number, long now)
        {
            lock (_gate)
            {
                Interlocked.Exchange(ref _lastAt, now);
                if (number <= 0 || number <= _highest - Size)
                {
                    return false;
                }

                if (number > _highest)
                {
                    Clear(_highest + 1, number);
                    _highest = number;
                }

                ref var word = ref _bits[number % Size / 64];
                var bit = 1UL << (int)(number % 64);
                if ((word & bit) != 0)
                {
                    return false;
                }

                word |= bit;
                return true;
            }
        }

        private void Clear(long first, long last)
        {
            if (last - first >= Size)
            {
                Array.Clear(_bits);
                return;
            }

            for (var number = first; number <= last; number++)
            {
                _bits[number % Size / 64] &= ~(1UL << (int)(number % 64));
            }
        }
    }
}
