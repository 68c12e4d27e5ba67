using System.Diagnostics.CodeAnalysis;
using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>Gives patterns to tokens that have a claim with a value: for issuers whose tokens cannot be shaped.</summary>
internal sealed record ClaimGrant(string Claim, string Value, IReadOnlyList<string> Subscribe, IReadOnlyList<string> Publish);

/// <summary>Reads what a verified token grants.</summary>
/// <param name="subscribe">Name of the claim with patterns of topics to subscribe to.</param>
/// <param name="publish">Name of the claim with patterns of topics to publish to.</param>
/// <param name="others">What claims give besides.</param>
internal sealed class TokenClaims(string subscribe, string publish, IReadOnlyList<ClaimGrant> others)
{
    public const string DefaultSubscribe = "sse_subscribe";
    public const string DefaultPublish = "sse_publish";

    private const string Scope = "scope";
    private const string ShortScope = "scp";

    /// <summary>Names of the claims that are a text or a list of texts, and nothing else.</summary>
    public IReadOnlyList<string> Lists { get; } = [subscribe, publish, Scope, ShortScope];

    public bool TryRead(JsonWebToken token, [NotNullWhen(true)] out Grants? grants, [NotNullWhen(false)] out string? fault)
    {
        // An array has a claim for each item; what is not text is no pattern, no name and no scope.
        var texts = token.Claims.Where(claim => claim.ValueType == ClaimValueTypes.String).ToLookup(claim => claim.Type, claim => claim.Value, StringComparer.Ordinal);
        var given = others.Where(grant => texts[grant.Claim].Contains(grant.Value, StringComparer.Ordinal)).ToArray();
        string[] subscribing = [.. texts[subscribe], .. given.SelectMany(grant => grant.Subscribe)];
        string[] publishing = [.. texts[publish], .. given.SelectMany(grant => grant.Publish)];
        if (subscribing.Length + publishing.Length > Grants.MaxPatterns)
        {
            grants = null;
            fault = $"It has {subscribing.Length + publishing.Length} patterns of topics; at most {Grants.MaxPatterns} are allowed.";
            return false;
        }

        grants = new(Fill(subscribing), Fill(publishing), [.. texts[Scope].SelectMany(scope => scope.Split(' ')), .. texts[ShortScope].SelectMany(scope => scope.Split(' '))]);
        fault = null;
        return true;

        // A claim with several values names nobody.
        string? One(string name) => texts[name].ToArray() is [var value] ? value : null;

        IEnumerable<string> Fill(string[] patterns) => patterns.Select(pattern => PatternTemplate.Fill(pattern, One)).OfType<string>();
    }
}
