using System.Runtime.InteropServices;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>
/// Distinct topics of each client's streams: those that are open, and those that were closed within the last minute, so that
/// a client cannot have replicas open and close topics without end. A topic is 12 bytes: the hash of its name, how many streams
/// have it open, and until when it counts.
/// </summary>
internal sealed class TopicCounts(TimeProvider time)
{
    private const int StripeCount = 16;

    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, StripeCount).Select(_ => new Stripe())];
    private readonly long _start = time.GetTimestamp();

    /// <summary>How long a topic counts after its last stream.</summary>
    public static TimeSpan Remembered { get; } = TimeSpan.FromMinutes(1);

    /// <summary>Topics that are kept, of all clients.</summary>
    public int Topics => _stripes.Sum(stripe => stripe.Topics);

    /// <summary>What a stream's topics are counted by: each name's hash, once.</summary>
    public static uint[] Hashes(IEnumerable<string?> names) => [.. names.Select(name => (uint)(name ?? "").GetHashCode(StringComparison.Ordinal)).Distinct()];

    /// <summary>Counts the topics of a stream; if it does, one <see cref="Leave"/> follows.</summary>
    /// <returns>Null when the client may have them, else the time until a topic that it has closed counts no more.</returns>
    public TimeSpan? TryEnter(ClientKey client, int limit, ReadOnlySpan<uint> topics) =>
        limit > 0 && topics.Length > 0 ? StripeOf(client).TryEnter(client, limit, topics, Now) : null;

    public void Leave(ClientKey client, int limit, ReadOnlySpan<uint> topics)
    {
        if (limit > 0 && topics.Length > 0)
        {
            StripeOf(client).Leave(client, topics, Now + (int)Remembered.TotalSeconds);
        }
    }

    private int Now => (int)time.GetElapsedTime(_start).TotalSeconds;

    private Stripe StripeOf(ClientKey client) => _stripes[(uint)client.GetHashCode() % StripeCount];

    private sealed class Stripe
    {
        // From here on what counts no more is looked for; and the most that clients without a stream may take.
        private const int MinSweep = 4 * 1024;
        private const int MaxClosed = 64 * 1024;

        private readonly Lock _gate = new();
        private readonly Dictionary<ClientKey, Book> _books = [];
        private int _topics;
        private int _nextSweep = MinSweep;

        public int Topics
        {
            get
            {
                lock (_gate)
                {
                    return _topics;
                }
            }
        }

        public TimeSpan? TryEnter(ClientKey client, int limit, ReadOnlySpan<uint> topics, int now)
        {
            lock (_gate)
            {
                if (_topics >= _nextSweep)
                {
                    Sweep(now);
                }

                ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_books, client, out _);
                var book = slot ??= new Book();
                var before = book.Count;
                if (book.Count + topics.Length > limit)
                {
                    book.Expire(now);
                }

                var wait = book.TryEnter(limit, topics, now);
                _topics += book.Count - before;
                if (book.Count == 0)
                {
                    _books.Remove(client);
                }

                return wait;
            }
        }

        public void Leave(ClientKey client, ReadOnlySpan<uint> topics, int until)
        {
            lock (_gate)
            {
                _books[client].Leave(topics, until);
            }
        }

        private void Sweep(int now)
        {
            foreach (var (client, book) in _books)
            {
                var before = book.Count;
                book.Expire(now);
                _topics += book.Count - before;
                if (book.Count == 0)
                {
                    _books.Remove(client);
                }
            }

            foreach (var (client, book) in _topics > MaxClosed ? _books : [])
            {
                // A crowd of addresses that come once; those that stay are bounded by the number of streams.
                if (!book.IsOpen)
                {
                    _topics -= book.Count;
                    _books.Remove(client);
                }
            }

            _nextSweep = Math.Max(MinSweep, 2 * _topics);
        }
    }

    private sealed class Book
    {
        private uint[] _hashes = [];
        private Use[] _uses = [];

        public int Count { get; private set; }

        public bool IsOpen
        {
            get
            {
                foreach (var use in _uses.AsSpan(0, Count))
                {
                    if (use.Open > 0)
                    {
                        return true;
                    }
                }

                return false;
            }
        }

        public TimeSpan? TryEnter(int limit, ReadOnlySpan<uint> topics, int now)
        {
            var added = 0;
            foreach (var topic in topics)
            {
                added += IndexOf(topic) < 0 ? 1 : 0;
            }

            if (added > 0 && Count + added > limit)
            {
                var first = int.MaxValue;
                foreach (var use in _uses.AsSpan(0, Count))
                {
                    first = use.Open == 0 ? Math.Min(first, use.Until) : first;
                }

                return first == int.MaxValue ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Max(0, first - now) + 1);
            }

            if (Count + added > _hashes.Length)
            {
                // Most clients have one stream of one topic, and keep it.
                var size = Count == 0 ? added : Math.Max(Count + added, Count * 2);
                Array.Resize(ref _hashes, size);
                Array.Resize(ref _uses, size);
            }

            foreach (var topic in topics)
            {
                var index = IndexOf(topic);
                if (index < 0)
                {
                    index = Count++;
                    _hashes[index] = topic;
                    _uses[index] = default;
                }

                _uses[index].Open++;
            }

            return null;
        }

        public void Leave(ReadOnlySpan<uint> topics, int until)
        {
            foreach (var topic in topics)
            {
                ref var use = ref _uses[IndexOf(topic)];
                use.Open--;
                use.Until = until;
            }
        }

        public void Expire(int now)
        {
            var kept = 0;
            for (var i = 0; i < Count; i++)
            {
                if (_uses[i].Open > 0 || _uses[i].Until >= now)
                {
                    (_hashes[kept], _uses[kept]) = (_hashes[i], _uses[i]);
                    kept++;
                }
            }

            Count = kept;
            if (kept < _hashes.Length / 4)
            {
                Array.Resize(ref _hashes, kept);
                Array.Resize(ref _uses, kept);
            }
        }

        private int IndexOf(uint topic) => _hashes.AsSpan(0, Count).IndexOf(topic);
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Use
    {
        public int Open;
        public int Until;
    }
}
