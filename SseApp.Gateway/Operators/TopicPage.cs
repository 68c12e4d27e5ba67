using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Gateway.Operators;

/// <summary>Answer of <c>GET /admin/topics</c>.</summary>
/// <param name="Topics">Topics with subscribers anywhere, in ordinal order.</param>
/// <param name="Next">Value of <c>after</c> for the next page; null on the last.</param>
/// <param name="Unreachable">Replicas that did not answer; their subscribers are not counted.</param>
internal sealed record TopicPage(TopicActivity[] Topics, string? Next, string[] Unreachable);
