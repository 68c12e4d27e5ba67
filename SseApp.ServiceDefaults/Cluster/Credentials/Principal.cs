using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>What says who somebody is.</summary>
internal enum CredentialKind
{
    /// <summary>Nothing: a client that sent no credential, and may do what everybody may.</summary>
    None,

    /// <summary>A token of an issuer.</summary>
    Token,

    /// <summary>A key of a server that publishes.</summary>
    ApiKey,
}

/// <summary>Who asks, and what it may; immutable, and small enough to be kept with each stream.</summary>
internal sealed record Principal
{
    private static readonly TimeSpan s_minLife = TimeSpan.FromSeconds(1);

    public required CredentialKind Kind { get; init; }

    /// <summary>
    /// What this principal has of limits and idempotency keys is counted under this; no two principals share it. Empty for who
    /// sends no credential: such clients are told apart by their addresses. A token's is made when somebody asks for it: a replica does
    /// not for a stream, and it would be kept as long.
    /// </summary>
    public string Key
    {
        // Whoever has no name is nobody but the bearer of this token.
        get => field ??= KeyOf("token", Name is null ? $"\n{Fingerprint}" : $"{Issuer}\n{Name}");
        init;
    }

    /// <summary>The <c>sub</c> of a token, or the name of an API key.</summary>
    public string? Name { get; init; }

    public string? Issuer { get; init; }

    /// <summary>The token's <c>jti</c>.</summary>
    public string? TokenId { get; init; }

    /// <summary>
    /// Names the credential, in base64: SHA-256 of an API key; of a token's issuer and <c>jti</c>, or without one of what is signed of
    /// it. Never of the signature, of which the bearer can make others.
    /// </summary>
    public string? Fingerprint { get; init; }

    /// <summary>Names the key that signed the token, see <see cref="IssuerKeys.IdOf"/>.</summary>
    public string? SigningKeyId { get; init; }

    public string? ApiKeyId { get; init; }

    /// <summary>SHA-256 of the ticket that stands for the credential; null: none does.</summary>
    public string? Ticket { get; init; }

    public DateTimeOffset? IssuedAt { get; init; }

    /// <summary>The end of the credential, without the tolerance for clocks; null: none.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public required Grants Grants { get; init; }

    /// <summary>
    /// Whether its credential is over, or will be in a second: within the tolerance for clocks it lets requests in, but nothing that
    /// lasts.
    /// </summary>
    public bool IsEnding(DateTimeOffset now) => ExpiresAt - now < s_minLife;

    /// <summary>A <see cref="Key"/> without a space, and no longer than any other: it stands in keys of Redis.</summary>
    /// <param name="kind">Such as <c>token</c>.</param>
    /// <param name="name">What is unique within it.</param>
    public static string KeyOf(string kind, string name) => $"{kind}-{PatternTemplate.Hash(name)}";

    /// <summary>Whoever comes to a service that is open.</summary>
    public static Principal Everybody { get; } = new() { Kind = CredentialKind.None, Key = "", Grants = new Grants(["*"], ["*"], []) };

    /// <summary>See <see cref="Caller.Canary"/>.</summary>
    public static Principal Canary { get; } = new() { Kind = CredentialKind.None, Key = "", Grants = new Grants([$"{TopicName.CanaryPrefix}*"], [$"{TopicName.CanaryPrefix}*"], []) };

    /// <summary>Who sends no credential to one that is not.</summary>
    /// <param name="publicTopics">Patterns of what everybody may read.</param>
    public static Principal Stranger(IReadOnlyList<string> publicTopics) => new() { Kind = CredentialKind.None, Key = "", Grants = new Grants(publicTopics, [], []) };
}

/// <summary>What a credential was found to be: a principal, or why there is none.</summary>
/// <param name="Principal">Null when it is refused.</param>
/// <param name="Reason">An <see cref="AuthReason"/> when it is refused.</param>
/// <param name="Detail">For whoever sent it: what is wrong, without the credential.</param>
internal readonly record struct Verification(Principal? Principal, string? Reason = null, string? Detail = null)
{
    public static Verification Refused(string reason, string detail) => new(null, reason, detail);
}
