using System.Runtime.Intrinsics;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// The principals of tokens that were verified a moment ago, by the SHA-256 of the token's text. Places are fixed, four for each
/// hash: what is new takes that of what has ended or is oldest, so nothing is ever sorted, swept or grown. Most streams come with a
/// token that nobody has seen, and what is kept of it here is what the collector has to carry on: one object, beside the principal
/// that the stream keeps anyhow.
/// </summary>
internal sealed class VerifiedTokens(TimeProvider time)
{
    private const int Sets = 4096;
    private const int Ways = 4;

    /// <summary>How long it is known of a credential that it was found valid.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(60);

    private readonly Entry?[] _entries = new Entry?[Sets * Ways];

    /// <param name="hash">SHA-256 of the token's text.</param>
    public Principal? Find(Vector256<byte> hash)
    {
        foreach (ref var place in PlacesOf(hash))
        {
            if (Volatile.Read(ref place) is { } entry && entry.Hash == hash)
            {
                return IsOver(entry) ? null : entry.Principal;
            }
        }

        return null;
    }

    /// <param name="hash">SHA-256 of the token's text.</param>
    /// <param name="principal">Who it is.</param>
    public void Add(Vector256<byte> hash, Principal principal)
    {
        var added = new Entry(hash, principal, time.GetTimestamp());
        var places = PlacesOf(hash);
        var chosen = 0;
        var oldest = long.MaxValue;
        for (var way = 0; way < Ways; way++)
        {
            var entry = Volatile.Read(ref places[way]);
            if (entry is null || entry.Hash == hash)
            {
                chosen = way;
                break;
            }

            if (entry.AddedAt < oldest)
            {
                (chosen, oldest) = (way, entry.AddedAt);
            }
        }

        // Two at once may choose one place: then one of both is verified once more.
        Volatile.Write(ref places[chosen], added);
    }

    private bool IsOver(Entry entry) => time.GetElapsedTime(entry.AddedAt) >= Remembered;

    private Span<Entry?> PlacesOf(Vector256<byte> hash) => _entries.AsSpan((int)(hash.AsUInt32()[0] % Sets) * Ways, Ways);

    private sealed class Entry(Vector256<byte> hash, Principal principal, long addedAt)
    {
        public Vector256<byte> Hash => hash;

        public Principal Principal => principal;

        public long AddedAt => addedAt;
    }
}
