using System.Collections.Frozen;
using System.Security.Cryptography;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>What is known of an API key.</summary>
/// <param name="Id">The part of its text that is no secret.</param>
/// <param name="Name">Whose it is; several keys may have one name, so that one can be replaced while both are valid.</param>
/// <param name="Hash">See <see cref="ApiKey.Hash"/>.</param>
/// <param name="Grants">What it may.</param>
internal sealed record StoredApiKey(string Id, string Name, byte[] Hash, Grants Grants);

/// <summary>The API keys of a moment.</summary>
internal sealed class ApiKeys(IEnumerable<StoredApiKey> keys)
{
    // Compared with where there is no such key: how long an answer takes does not say whether an id exists.
    private static readonly byte[] s_nobody = new byte[SHA256.HashSizeInBytes];

    // The principal is made once for a key, not for each publish.
    private readonly FrozenDictionary<string, (byte[] Hash, Principal Principal)> _keys = keys.ToFrozenDictionary(
        key => key.Id,
        key => (key.Hash, new Principal { Kind = CredentialKind.ApiKey, Key = Principal.KeyOf("key", key.Name), Name = key.Name, ApiKeyId = key.Id, Fingerprint = Convert.ToBase64String(key.Hash), Grants = key.Grants }),
        StringComparer.Ordinal);

    /// <summary>Whether the text, which is no key's id, is the name of one.</summary>
    public bool IsOnlyName(string text) => !_keys.ContainsKey(text) && _keys.Values.Any(key => key.Principal.Name == text);

    /// <summary>Whether there is a key of this id.</summary>
    public bool IsId(string id) => _keys.ContainsKey(id);

    /// <summary>The id that is most like this one; null: none is like it.</summary>
    public string? Similar(string id) => SettingNames.Similar(id, _keys.Keys);

    /// <summary>Whether the key is still there, and may what it might; for a ticket that was made with it, whether it may still read the ticket's topics.</summary>
    /// <param name="principal">Of the key, or of a ticket.</param>
    /// <param name="everybody">What each may beside its own.</param>
    public bool Has(Principal principal, Grants everybody) => _keys.TryGetValue(principal.ApiKeyId!, out var key)
        && (ReferenceEquals(key.Principal, principal)
            || (key.Principal.Name == principal.Name
                && key.Principal.Fingerprint == principal.Fingerprint
                && (principal.Ticket is null
                    ? key.Principal.Grants.Equal(principal.Grants)
                    : principal.Grants.Subscribe.All(topic => (key.Principal.Grants.SubscribedBy(topic) ?? everybody.SubscribedBy(topic)) is not null))));

    public Verification Verify(string text)
    {
        if (!ApiKey.TryParse(text, out var id))
        {
            return Verification.Refused(AuthReason.TokenInvalid, "An API key is 'sse_', an id, '_' and 43 characters; this is not a whole one.");
        }

        var found = _keys.TryGetValue(id, out var key);
        return CryptographicOperations.FixedTimeEquals(ApiKey.Hash(text), found ? key.Hash : s_nobody) && found
            ? new(key.Principal)
            : Verification.Refused(AuthReason.TokenInvalid, "The API key is not valid, or it was removed.");
    }
}
