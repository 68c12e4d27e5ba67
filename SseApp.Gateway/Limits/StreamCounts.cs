using System.Runtime.InteropServices;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

internal enum StreamAdmission
{
    Admitted,
    ClientFull,
    GatewayFull,
}

/// <summary>
/// Open streams by client and in all. A ConcurrencyLimiter a client, as System.Threading.RateLimiting offers, costs
/// several hundred bytes and a look every 100 ms for as long as the client is connected; this is one dictionary entry,
/// which goes with the client's last stream (docs/decisions/0011).
/// </summary>
internal sealed class StreamCounts(int perClient, int inAll)
{
    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, 16).Select(_ => new Stripe())];
    private int _streams;

    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Clients with an open stream.</summary>
    public int Clients => _stripes.Sum(stripe => stripe.Clients);

    /// <summary>Counts a stream; every <see cref="StreamAdmission.Admitted"/> is followed by one <see cref="Leave"/>.</summary>
    public StreamAdmission TryEnter(ClientKey client)
    {
        if (Interlocked.Increment(ref _streams) > inAll && inAll > 0)
        {
            Interlocked.Decrement(ref _streams);
            return StreamAdmission.GatewayFull;
        }

        if (perClient == 0 || StripeOf(client).TryAdd(client, perClient))
        {
            return StreamAdmission.Admitted;
        }

        Interlocked.Decrement(ref _streams);
        return StreamAdmission.ClientFull;
    }

    public void Leave(ClientKey client)
    {
        Interlocked.Decrement(ref _streams);
        if (perClient > 0)
        {
            StripeOf(client).Remove(client);
        }
    }

    private Stripe StripeOf(ClientKey client) => _stripes[(uint)client.GetHashCode() % (uint)_stripes.Length];

    private sealed class Stripe
    {
        private const int SmallCapacity = 256;

        private readonly Lock _gate = new();
        private readonly Dictionary<ClientKey, int> _counts = [];

        public int Clients
        {
            get
            {
                lock (_gate)
                {
                    return _counts.Count;
                }
            }
        }

        public bool TryAdd(ClientKey client, int limit)
        {
            lock (_gate)
            {
                ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, client, out _);
                if (count >= limit)
                {
                    return false;
                }

                count++;
                return true;
            }
        }

        public void Remove(ClientKey client)
        {
            lock (_gate)
            {
                ref var count = ref CollectionsMarshal.GetValueRefOrNullRef(_counts, client);
                if (--count > 0)
                {
                    return;
                }

                _counts.Remove(client);
                if (_counts.Capacity > SmallCapacity && _counts.Count < _counts.Capacity / 8)
                {
                    // A dictionary keeps the size of the largest crowd it ever held.
                    _counts.TrimExcess();
                }
            }
        }
    }
}
