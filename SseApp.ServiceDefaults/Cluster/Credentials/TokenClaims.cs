using System.Diagnostics.CodeAnalysis;
using System.Text;

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

    /// <summary>Names, in UTF-8, of the claims that are a text or a list of texts, and nothing else.</summary>
    public byte[][] Lists { get; } = [.. new[] { subscribe, publish, Scope, ShortScope }.Select(Encoding.UTF8.GetBytes)];

    /// <param name="token">What a token says that was verified.</param>
    /// <param name="grants">What it gives.</param>
    /// <param name="fault">Why it gives nothing.</param>
    public bool TryRead(TokenForm token, [NotNullWhen(true)] out Grants? grants, [NotNullWhen(false)] out string? fault)
    {
        var subscribing = token.Texts(subscribe);
        var publishing = token.Texts(publish);
        foreach (var grant in others)
        {
            if (token.Texts(grant.Claim).Contains(grant.Value, StringComparer.Ordinal))
            {
                subscribing = [.. subscribing, .. grant.Subscribe];
                publishing = [.. publishing, .. grant.Publish];
            }
        }

        if (subscribing.Length + publishing.Length > Grants.MaxPatterns)
        {
            grants = null;
            fault = $"It has {subscribing.Length + publishing.Length} patterns of topics; at most {Grants.MaxPatterns} are allowed.";
            return false;
        }

        string[] scopes = [.. token.Texts(Scope), .. token.Texts(ShortScope)];
        grants = new(Fill(subscribing, token), Fill(publishing, token), scopes is [] ? scopes : scopes.SelectMany(static text => text.Split(' ')));
        fault = null;
        return true;

        static string[] Fill(string[] patterns, TokenForm token)
        {
            var count = 0;
            foreach (var pattern in patterns)
            {
                if (PatternTemplate.Fill(pattern, token.Text) is { } filled)
                {
                    patterns[count++] = filled;
                }
            }

            return count == patterns.Length ? patterns : patterns[..count];
        }
    }
}
