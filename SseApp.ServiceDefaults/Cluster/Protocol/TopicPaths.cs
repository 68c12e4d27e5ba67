using Microsoft.AspNetCore.Http.Features;

namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>Names of topics in paths.</summary>
internal static class TopicPaths
{
    /// <summary>The rule that a path with an escaped '%' breaks.</summary>
    public const string Rule =
        "A name in the path is escaped once, and no topic has a '%' in its name: write a slash within it as %2F, not as %252F.";

    /// <summary>
    /// The topic's name. Routing decodes every escape of a path segment but <c>%2F</c>, and a topic may contain a slash; what a client
    /// escaped twice is kept out before.
    /// </summary>
    public static string Name(string segment) => segment.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// True for <c>/topics/a%252Fb</c>, which after one decoding cannot be told from <c>/topics/a%2Fb</c>: to whoever decodes once more
    /// it would be another topic.
    /// </summary>
    public static bool IsEscapedTwice(HttpContext context)
    {
        var path = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        var query = path.IndexOf('?');
        return (query < 0 ? path : path[..query]).Contains("%25", StringComparison.Ordinal);
    }
}
