using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>Why somebody may not: the member <c>reason</c> of problem details and of <c>stream.unauthorized</c>.</summary>
internal static class AuthReason
{
    /// <summary>Nothing was sent that says who asks.</summary>
    public const string NoCredentials = "no-credentials";

    /// <summary>It was valid; a new one is needed.</summary>
    public const string TokenExpired = "token-expired";

    /// <summary>An operator has taken it back.</summary>
    public const string TokenRevoked = "token-revoked";

    /// <summary>It is none of ours, not yet valid, or damaged.</summary>
    public const string TokenInvalid = "token-invalid";

    /// <summary>Who asks is known, and no grant matches the topic.</summary>
    public const string TopicDenied = "topic-denied";

    /// <summary>The credential is a cookie, and a page of another origin, which is not listed, has sent it.</summary>
    public const string ForeignOrigin = PageOrigin.Foreign;

    /// <summary>Who asks is known, and has not the scope that operators need.</summary>
    public const string InsufficientScope = "insufficient-scope";

    /// <summary>The keys of the issuer were never had, so nothing can be said about the token (503).</summary>
    public const string Unavailable = "auth-unavailable";

    /// <summary>Redis, which has the tickets, is not reachable (503); the word that streams have for it.</summary>
    public const string Redis = "redis";

    public static readonly string[] All = [NoCredentials, TokenExpired, TokenRevoked, TokenInvalid, TopicDenied, ForeignOrigin, InsufficientScope, Unavailable, Redis];
}
