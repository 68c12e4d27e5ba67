using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Gateway.Operators;

/// <summary>Answer of <c>GET /admin/connections</c>.</summary>
/// <param name="Connections">Open streams, ordered by id.</param>
/// <param name="Next">Value of <c>after</c> for the next page; null on the last.</param>
/// <param name="Unreachable">Replicas that did not answer; their streams are missing.</param>
internal sealed record ConnectionPage(ConnectionDetails[] Connections, string? Next, string[] Unreachable);
