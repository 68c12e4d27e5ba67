using System.Text.Json.Serialization;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>What is taken back.</summary>
internal enum RevocationKind
{
    /// <summary>The token with this <c>jti</c>.</summary>
    [JsonStringEnumMemberName("jti")]
    TokenId,

    /// <summary>Every token of this <c>sub</c> that was issued before a moment.</summary>
    [JsonStringEnumMemberName("sub")]
    Subject,

    /// <summary>The API key with this id.</summary>
    [JsonStringEnumMemberName("apiKey")]
    ApiKey,

    /// <summary>One credential, by its <see cref="Principal.Fingerprint"/>: whoever ends a session need not know its <c>jti</c>.</summary>
    [JsonStringEnumMemberName("fingerprint")]
    Fingerprint,

    /// <summary>A ticket, by its SHA-256.</summary>
    [JsonStringEnumMemberName("ticket")]
    Ticket,
}

/// <summary>A credential, or several, that counts no more; as it lies in Redis, signed.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Which.</param>
/// <param name="Issuer">Only tokens of this issuer; null: of every one.</param>
/// <param name="IssuedBefore">Only of a subject: tokens that were issued later count.</param>
/// <param name="RevokedAt">When that was said.</param>
/// <param name="Until">When no such credential can be valid any more, and this is forgotten; null: never.</param>
internal sealed record Revocation(RevocationKind Kind, string Value, string? Issuer, DateTimeOffset? IssuedBefore, DateTimeOffset RevokedAt, DateTimeOffset? Until)
{
    /// <summary>What can be taken back once: the same again only moves the times.</summary>
    [JsonIgnore]
    public RevokedName Name => new(Kind, Issuer, Value);

    /// <summary>Whether no such credential can be valid any more.</summary>
    public bool IsOver(DateTimeOffset now) => Until < now;

    /// <summary>Whether it says all that the other one of the same name says.</summary>
    public bool Covers(Revocation other) =>
        (Until is not { } until || (other.Until is { } later && later <= until)) && (other.IssuedBefore is not { } before || before <= IssuedBefore);

    /// <summary>What both of the same name say.</summary>
    public Revocation With(Revocation other) => Covers(other) ? this : other.Covers(this) ? other : other with
    {
        Until = Until is null || other.Until is null ? null : Until > other.Until ? Until : other.Until,
        IssuedBefore = IssuedBefore > other.IssuedBefore ? IssuedBefore : other.IssuedBefore,
    };
}

/// <summary>What a revocation is found by.</summary>
internal readonly record struct RevokedName(RevocationKind Kind, string? Issuer, string Value)
{
    /// <summary>Characters of a value.</summary>
    public const int MaxLength = 1000;

    /// <summary>
    /// Whether something of that value can be taken back. A token that has another <c>sub</c> or <c>jti</c> could not, so it does not count.
    /// </summary>
    public static bool IsValue(string text) => IsText(text) && !CredentialText.Holds(text);

    /// <summary>Whether it has the form of a value, be it a credential or not.</summary>
    public static bool IsText(string text) => text.Length <= MaxLength && !text.AsSpan().ContainsAnyInRange('\u0000', '\u001f') && !text.AsSpan().ContainsAnyInRange('\u007f', '\u009f');

    /// <summary>The same in a text without anything that a stranger chose.</summary>
    public string Id => PatternTemplate.Hash($"{Kind}\n{Issuer}\n{Value}");
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Revocation))]
internal sealed partial class RevocationJsonContext : JsonSerializerContext;
