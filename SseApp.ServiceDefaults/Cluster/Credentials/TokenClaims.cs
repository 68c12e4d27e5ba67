using System.Diagnostics.CodeAnalysis;

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

    /// <param name="token">What a token says that was verified.</param>
    /// <param name="grants">What it gives.</param>
    /// <param name="fault">Why it gives nothing.</param>
    public bool TryRead(TokenForm token, [NotNullWhen(true)] out Grants? grants, [NotNullWhen(false)] out string? fault)
    {
        List<string> subscribing = [.. token.Texts(subscribe)];
        List<string> publishing = [.. token.Texts(publish)];
        foreach (var grant in others)
        {
            if (token.Texts(grant.Claim).Contains(grant.Value, StringComparer.Ordinal))
            {
                subscribing.AddRange(grant.Subscribe);
                publishing.AddRange(grant.Publish);
            }
        }

        if (subscribing.Count + publishing.Count > Grants.MaxPatterns)
        {
            grants = null;
            fault = $"It has {subscribing.Count + publishing.Count} patterns of topics; at most {Grants.MaxPatterns} are allowed.";
            return false;
        }

        grants = new(Fill(subscribing), Fill(publishing), [.. token.Texts(Scope).Concat(token.Texts(ShortScope)).SelectMany(static scope => scope.Split(' '))]);
        fault = null;
        return true;

        // A claim with several values names nobody.
        string? One(string name) => token.Texts(name) is [var value] ? value : null;

        IEnumerable<string> Fill(List<string> patterns) => patterns.Select(pattern => PatternTemplate.Fill(pattern, One)).OfType<string>();
    }
}
