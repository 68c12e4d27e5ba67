using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Gateway.Operators;

/// <summary>Asks a replica for the logs of topics: they are in Redis, and only replicas read them.</summary>
internal sealed class TopicLogs(ReplicaClient replicas, ReplicaDirectory directory)
{
    // Well below what a server takes for a line of a request.
    private const int MaxQuery = 4_000;

    /// <summary>Null when no replica that is ready answers.</summary>
    public async Task<TopicLogInfo[]?> FindAsync(IReadOnlyList<string> topics, CancellationToken cancellationToken)
    {
        var found = new List<TopicLogInfo>(topics.Count);
        var ready = directory.Replicas.Where(replica => replica.State == ReplicaState.Ready).ToArray();
        foreach (var part in Parts(topics))
        {
            TopicLogInfo[]? logs = null;
            for (var i = 0; i < ready.Length && logs is null; i++)
            {
                logs = await replicas.AskAsync(ready[i], HttpMethod.Get, $"/admin/logs?{part}", OperatorJsonContext.Default.TopicLogInfoArray, cancellationToken);
            }

            if (logs is null)
            {
                return null;
            }

            found.AddRange(logs);
        }

        return [.. found];
    }

    private static IEnumerable<string> Parts(IEnumerable<string> topics)
    {
        var part = "";
        foreach (var topic in topics)
        {
            part += $"{(part.Length > 0 ? "&" : "")}topic={Uri.EscapeDataString(topic)}";
            if (part.Length > MaxQuery)
            {
                yield return part;
                part = "";
            }
        }

        if (part.Length > 0)
        {
            yield return part;
        }
    }
}
