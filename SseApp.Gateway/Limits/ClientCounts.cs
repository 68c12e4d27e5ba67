using System.Runtime.InteropServices;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>
/// How many of something each client has at the moment. A ConcurrencyLimiter a client, as System.Threading.RateLimiting offers,
/// costs several hundred bytes and a look every 100 ms for as long as the client is connected; this is one dictionary entry,
/// which goes with the client's last one (docs/decisions/0011).
/// </summary>
internal sealed class ClientCounts
{
    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, 16).Select(_ => new Stripe())];

    /// <summary>Clients that have at least one.</summary>
    public int Clients => _stripes.Sum(stripe => stripe.Clients);

    /// <summary>Counts one more, unless the client has as many as the limit; 0: no limit, and nothing is counted.</summary>
    public bool TryAdd(ClientKey client, int limit) => limit == 0 || StripeOf(client).TryAdd(client, limit);

    /// <param name="client">The client.</param>
    /// <param name="limit">The limit that it was counted with.</param>
    public void Remove(ClientKey client, int limit)
    {
        if (limit > 0)
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
