using System.Collections.Concurrent;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// What this process knows to be revoked. It learns from Redis and forgets by the clock alone: whoever takes an entry out of
/// Redis, or loses all of it, makes nothing valid again.
/// </summary>
internal sealed class Revocations
{
    private readonly ConcurrentDictionary<RevokedName, Revocation> _known = new();
    private int _version;
    private volatile bool _isRead;

    /// <summary>
    /// Whether the list was read since the process began. Before that nobody can say of a credential that it was not revoked.
    /// </summary>
    public bool IsRead => _isRead;

    /// <summary>Changes whenever something more is revoked; 0 as long as nothing ever was.</summary>
    public int Version => Volatile.Read(ref _version);

    /// <summary>A copy, in no order.</summary>
    public Revocation[] All => [.. _known.Values];

    public void SetRead() => _isRead = true;

    public Revocation? Find(in RevokedName name) => _known.GetValueOrDefault(name);

    /// <returns>False when that was known.</returns>
    public bool Add(Revocation revocation)
    {
        var isNew = false;
        _known.AddOrUpdate(
            revocation.Name,
            _ =>
            {
                isNew = true;
                return revocation;
            },
            (_, known) =>
            {
                isNew = !known.Covers(revocation);
                return known.With(revocation);
            });
        if (isNew)
        {
            Interlocked.Increment(ref _version);
        }

        return isNew;
    }

    /// <summary>Drops what cannot be valid any more.</summary>
    public void Forget(DateTimeOffset now)
    {
        foreach (var (name, known) in _known)
        {
            if (known.IsOver(now))
            {
                _known.TryRemove(KeyValuePair.Create(name, known));
            }
        }
    }

    /// <summary>Asked at each request and each connect: a few looks into a hash table, none as long as nothing was ever revoked.</summary>
    public bool IsRevoked(Principal principal)
    {
        if (Version == 0)
        {
            return false;
        }

        if (principal.Ticket is { } ticket && Has(RevocationKind.Ticket, null, ticket))
        {
            return true;
        }

        return principal.Kind switch
        {
            CredentialKind.ApiKey => Has(RevocationKind.ApiKey, null, principal.ApiKeyId!),
            CredentialKind.Token => (principal.TokenId is { } id && (Has(RevocationKind.TokenId, principal.Issuer, id) || Has(RevocationKind.TokenId, null, id)))
                || (principal.Name is { } subject && (HasSubject(principal.Issuer, subject, principal.IssuedAt) || HasSubject(null, subject, principal.IssuedAt)))
                || (principal.Fingerprint is { } fingerprint && Has(RevocationKind.Fingerprint, null, fingerprint)),
            _ => false,
        };
    }

    public bool Has(RevocationKind kind, string? issuer, string value) => _known.ContainsKey(new RevokedName(kind, issuer, value));

    // A token that does not say when it was issued may be of before; so may one that says it was a moment later, because its issuer's
    // clock may be ahead.
    private bool HasSubject(string? issuer, string subject, DateTimeOffset? issuedAt) =>
        _known.TryGetValue(new RevokedName(RevocationKind.Subject, issuer, subject), out var known) && (issuedAt is not { } at || at - TokenIssuer.ClockSkew < known.IssuedBefore);
}
