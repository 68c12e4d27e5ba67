using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>
/// A token bucket for each client, which is one number: the time at which it will be full again. A full one is the same as
/// none. There is room for so many clients; when more come, those that are nearest to full are forgotten: of all that loses
/// the least, and a crowd of addresses cannot take memory without end (docs/decisions/0022).
/// </summary>
internal sealed class RateTable(TimeProvider time, int capacity = RateTable.Capacity)
{
    private const int Capacity = 64 * 1024;
    private const int StripeCount = 16;

    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, StripeCount).Select(_ => new Stripe(Math.Max(1, capacity / StripeCount)))];

    /// <summary>Clients whose bucket is kept.</summary>
    public int Count => _stripes.Sum(stripe => stripe.Count);

    /// <summary>Takes tokens if at least one is there, even those that are not: what is owed has to be refilled first.</summary>
    /// <returns>Null when they were taken, else the time until one is there.</returns>
    public TimeSpan? TryTake(ClientKey client, Rate rate, long tokens = 1)
    {
        if (!rate.IsLimited)
        {
            return null;
        }

        var now = time.GetTimestamp();
        var wait = StripeOf(client).TryTake(client, now, rate.Ticks(tokens, time), rate.Ticks(1, time), rate.Ticks(rate.Burst, time));
        return wait > 0 ? time.GetElapsedTime(0, wait) : null;
    }

    /// <summary>Takes tokens whether they are there or not; but no more is owed than is refilled in the longest time.</summary>
    /// <returns>How long until there was one, before they were taken; the longest time at most.</returns>
    public TimeSpan Reserve(ClientKey client, Rate rate, long tokens, TimeSpan longest)
    {
        if (!rate.IsLimited)
        {
            return TimeSpan.Zero;
        }

        var limit = (long)(longest.TotalSeconds * time.TimestampFrequency);
        var wait = StripeOf(client).Reserve(client, time.GetTimestamp(), rate.Ticks(tokens, time), rate.Ticks(1, time), rate.Ticks(rate.Burst, time), limit);
        return time.GetElapsedTime(0, wait);
    }

    /// <summary>Tokens that are there; none, or fewer, for a client that owes some.</summary>
    public long Left(ClientKey client, Rate rate) =>
        rate.IsLimited ? rate.Burst - rate.Tokens(StripeOf(client).Missing(client, time.GetTimestamp()), time) : long.MaxValue;

    /// <summary>Takes tokens without asking; negative ones are given back.</summary>
    public void Charge(ClientKey client, Rate rate, long tokens)
    {
        if (rate.IsLimited && tokens != 0)
        {
            StripeOf(client).Charge(client, time.GetTimestamp(), rate.Ticks(tokens, time));
        }
    }

    private Stripe StripeOf(ClientKey client) => _stripes[(uint)client.GetHashCode() % StripeCount];

    private sealed class Stripe(int capacity)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<ClientKey, long> _fullAt = [];

        public int Count
        {
            get
            {
                lock (_gate)
                {
                    return _fullAt.Count;
                }
            }
        }

        public long Missing(ClientKey client, long now)
        {
            lock (_gate)
            {
                return Math.Max(_fullAt.GetValueOrDefault(client, now) - now, 0);
            }
        }

        public long TryTake(ClientKey client, long now, long cost, long one, long room)
        {
            lock (_gate)
            {
                var begin = Math.Max(_fullAt.GetValueOrDefault(client, now), now);
                var wait = begin + one - room - now;
                if (wait <= 0)
                {
                    Set(client, now, begin + cost);
                }

                return wait;
            }
        }

        public long Reserve(ClientKey client, long now, long cost, long one, long room, long longest)
        {
            lock (_gate)
            {
                var begin = Math.Max(_fullAt.GetValueOrDefault(client, now), now);
                Set(client, now, Math.Min(begin + cost, now + room + longest));
                return Math.Clamp(begin + one - room - now, 0, longest);
            }
        }

        public void Charge(ClientKey client, long now, long cost)
        {
            lock (_gate)
            {
                var fullAt = Math.Max(_fullAt.GetValueOrDefault(client, now), now) + cost;
                if (fullAt > now)
                {
                    Set(client, now, fullAt);
                }
                else
                {
                    _fullAt.Remove(client);
                }
            }
        }

        private void Set(ClientKey client, long now, long fullAt)
        {
            ref var known = ref CollectionsMarshal.GetValueRefOrNullRef(_fullAt, client);
            if (!Unsafe.IsNullRef(ref known))
            {
                known = fullAt;
                return;
            }

            if (_fullAt.Count >= capacity)
            {
                Forget(now);
            }

            _fullAt[client] = fullAt;
        }

        // The full ones; if they are few, all that need less than the average, so that the next call is far away.
        private void Forget(long now)
        {
            Int128 sum = 0;
            var full = 0;
            foreach (var fullAt in _fullAt.Values)
            {
                sum += fullAt;
                full += fullAt <= now ? 1 : 0;
            }

            var last = full > _fullAt.Count / 8 ? now : (long)(sum / _fullAt.Count);
            foreach (var (client, fullAt) in _fullAt)
            {
                if (fullAt <= last)
                {
                    _fullAt.Remove(client);
                }
            }
        }
    }
}
