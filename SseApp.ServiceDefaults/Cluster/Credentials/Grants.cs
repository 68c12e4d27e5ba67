namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>What a principal may: patterns of topics to subscribe and to publish to, and scopes.</summary>
internal sealed class Grants
{
    /// <summary>Patterns of a credential, all in all; a credential with more is refused, because to leave some out would be a riddle.</summary>
    public const int MaxPatterns = 100;

    /// <summary>Operate the cluster.</summary>
    public const string AdminScope = "sse:admin";

    /// <summary>Read <c>/metrics</c> and the reasons of <c>/health</c>.</summary>
    public const string MetricsScope = "sse:metrics";

    public static readonly Grants None = new([], [], []);

    private readonly string[] _subscribe;
    private readonly string[] _publish;
    private readonly string[] _scopes;

    public Grants(IEnumerable<string> subscribe, IEnumerable<string> publish, IEnumerable<string> scopes)
    {
        _subscribe = Distinct(subscribe);
        _publish = Distinct(publish);
        _scopes = scopes is string[] and [] ? [] : Distinct(scopes.Where(static scope => scope is AdminScope or MetricsScope));
    }

    public IReadOnlyList<string> Subscribe => _subscribe;

    public IReadOnlyList<string> Publish => _publish;

    /// <summary>Those that mean something here.</summary>
    public IReadOnlyList<string> Scopes => _scopes;

    /// <returns>The pattern that lets this topic in; null: none.</returns>
    public string? SubscribedBy(string topic) => Find(_subscribe, topic);

    /// <returns>The pattern that lets this topic in; null: none.</returns>
    public string? PublishedBy(string topic) => Find(_publish, topic);

    public bool Equal(Grants other) => _subscribe.SequenceEqual(other._subscribe) && _publish.SequenceEqual(other._publish) && _scopes.SequenceEqual(other._scopes);

    public bool Has(string scope) => Array.IndexOf(_scopes, scope) >= 0;

    // Made for each token that is verified, mostly of one pattern.
    private static string[] Distinct(IEnumerable<string> texts) => texts switch
    {
        string[] and [] => [],
        string[] and [var one] => [one],
        _ => [.. texts.Distinct(StringComparer.Ordinal)],
    };

    // No lambda: it would be an object for each publish.
    private static string? Find(string[] patterns, string topic)
    {
        foreach (var pattern in patterns)
        {
            if (TopicPattern.Matches(pattern, topic))
            {
                return pattern;
            }
        }

        return null;
    }
}
