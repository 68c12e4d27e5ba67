using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Gateway.Operators;

/// <summary>Topics and streams of the whole cluster: what is there, and how to end it.</summary>
internal static class StreamEndpoints
{
    public static void MapStreams(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/topics", ListTopicsAsync);
        admin.MapGet("/connections", ListConnectionsAsync);
        admin.MapPost("/connections/{id}/disconnect", DisconnectAsync);
        admin.MapPost("/topics/{topic}/disconnect", DisconnectTopicAsync);
    }

    private static async Task<Results<Ok<TopicPage>, ProblemHttpResult>> ListTopicsAsync(
        ReplicaClient replicas, TopicLogs logs, HttpContext context, string? prefix = null, string? after = null, int limit = Paging.DefaultLimit, string sort = TopicSort.Name)
    {
        if (!Paging.IsValid(limit))
        {
            return Problems.Result(context, StatusCodes.Status400BadRequest, Paging.Rule);
        }

        if (!TopicSort.IsValid(sort))
        {
            return Problems.Result(context, StatusCodes.Status400BadRequest, TopicSort.Rule);
        }

        if (sort == TopicSort.Busiest)
        {
            return limit <= Paging.DefaultLimit
                ? await BusiestAsync(replicas, logs, prefix, limit, context.RequestAborted)
                : Problems.Result(context, StatusCodes.Status400BadRequest, $"'limit' is a whole number from 1 to {Paging.DefaultLimit} where the busiest topics are asked for.");
        }

        // Each replica gives its first topics, so the first ones of all are complete.
        var (answers, unreachable) = await replicas.AskAsync(
            HttpMethod.Get,
            "/admin/topics" + Query(("prefix", prefix), ("after", after), ("limit", $"{limit}")),
            OperatorJsonContext.Default.TopicActivityArray,
            context.RequestAborted);
        var topics = Sum(answers).OrderBy(topic => topic.Topic, StringComparer.Ordinal).Take(limit).ToArray();
        return TypedResults.Ok(new TopicPage(topics, topics.Length == limit ? topics[^1].Topic : null, unreachable));
    }

    private static async Task<Ok<TopicPage>> BusiestAsync(ReplicaClient replicas, TopicLogs logs, string? prefix, int limit, CancellationToken cancellationToken)
    {
        // A topic that is busy because of all replicas together may be none of the first of any, so each gives more than is shown.
        var (answers, unreachable) = await replicas.AskAsync(
            HttpMethod.Get,
            "/admin/topics" + Query(("prefix", prefix), ("sort", TopicSort.Busiest), ("limit", $"{Math.Min(Paging.MaxLimit, limit * 4)}")),
            OperatorJsonContext.Default.TopicActivityArray,
            cancellationToken);
        TopicActivity[] topics = [.. Sum(answers).OrderByDescending(topic => topic.DeliverRate).ThenByDescending(topic => topic.Subscribers).ThenBy(topic => topic.Topic, StringComparer.Ordinal).Take(limit)];
        return TypedResults.Ok(new TopicPage(topics, null, unreachable) { Logs = await logs.FindAsync([.. topics.Select(topic => topic.Topic)], cancellationToken) });
    }

    private static IEnumerable<TopicActivity> Sum(IEnumerable<TopicActivity[]> answers) => answers.SelectMany(topics => topics)
        .GroupBy(topic => topic.Topic, StringComparer.Ordinal)
        // Every replica with a subscriber sees each event of the topic; what it writes is its own.
        .Select(group => new TopicActivity(
            group.Key, group.Sum(topic => topic.Subscribers), group.Max(topic => topic.PublishRate), Math.Round(group.Sum(topic => topic.DeliverRate), 2)));

    private static async Task<Results<Ok<ConnectionPage>, ProblemHttpResult>> ListConnectionsAsync(
        ReplicaClient replicas, HttpContext context, string? topic = null, string? after = null, int limit = Paging.DefaultLimit)
    {
        if (!Paging.IsValid(limit))
        {
            return Problems.Result(context, StatusCodes.Status400BadRequest, Paging.Rule);
        }

        var (answers, unreachable) = await replicas.AskAsync(
            HttpMethod.Get,
            "/admin/connections" + Query(("topic", topic), ("after", after), ("limit", $"{limit}")),
            OperatorJsonContext.Default.ConnectionDetailsArray,
            context.RequestAborted);
        var connections = answers.SelectMany(connections => connections)
            .OrderBy(connection => connection.Id, StringComparer.Ordinal)
            .Take(limit)
            .ToArray();
        return TypedResults.Ok(new ConnectionPage(connections, connections.Length == limit ? connections[^1].Id : null, unreachable));
    }

    private static async Task<Results<Ok<DisconnectView>, ProblemHttpResult>> DisconnectAsync(
        string id, ReplicaClient replicas, HttpContext context, bool permanent = false)
    {
        var result = await SendDisconnectAsync($"/admin/connections/{Uri.EscapeDataString(id)}/disconnect", permanent, replicas, context.RequestAborted);
        return result switch
        {
            { Disconnected: > 0 } => TypedResults.Ok(result),
            { Unreachable.Length: 0 } => Problems.Result(
                context, StatusCodes.Status404NotFound, $"No replica holds a stream '{id}'; GET /admin/connections lists those that are open."),
            _ => Problems.Result(
                context,
                StatusCodes.Status502BadGateway,
                $"The stream is on none of the replicas that answered. These did not: {string.Join(", ", result.Unreachable)}. Try again."),
        };
    }

    private static async Task<Ok<DisconnectView>> DisconnectTopicAsync(
        string topic, ReplicaClient replicas, CancellationToken cancellationToken, bool permanent = false)
    {
        var name = TopicPaths.Name(topic);
        return TypedResults.Ok(await SendDisconnectAsync($"/admin/topics/{Uri.EscapeDataString(name)}/disconnect", permanent, replicas, cancellationToken));
    }

    private static async Task<DisconnectView> SendDisconnectAsync(
        string path, bool permanent, ReplicaClient replicas, CancellationToken cancellationToken)
    {
        var (answers, unreachable) = await replicas.AskAsync(
            HttpMethod.Post, path + (permanent ? "?permanent=true" : ""), OperatorJsonContext.Default.DisconnectResult, cancellationToken);
        return new DisconnectView(answers.Sum(answer => answer.Disconnected), unreachable);
    }

    private static string Query(params (string Name, string? Value)[] parameters) => QueryString.Create(
        parameters.Where(parameter => parameter.Value is not null).Select(parameter => KeyValuePair.Create(parameter.Name, parameter.Value))).ToString();
}

/// <summary>Answer of <c>GET /admin/topics</c>.</summary>
/// <param name="Topics">Topics with subscribers anywhere, in ordinal order.</param>
/// <param name="Next">Value of <c>after</c> for the next page; null on the last.</param>
/// <param name="Unreachable">Replicas that did not answer; their subscribers are not counted.</param>
internal sealed record TopicPage(TopicActivity[] Topics, string? Next, string[] Unreachable)
{
    /// <summary>Of the busiest topics, their logs, in the same order; null for other lists, and when no replica could say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TopicLogInfo[]? Logs { get; init; }
}

/// <summary>Answer of <c>GET /admin/connections</c>.</summary>
/// <param name="Connections">Open streams, ordered by id.</param>
/// <param name="Next">Value of <c>after</c> for the next page; null on the last.</param>
/// <param name="Unreachable">Replicas that did not answer; their streams are missing.</param>
internal sealed record ConnectionPage(ConnectionDetails[] Connections, string? Next, string[] Unreachable);

/// <summary>Answer to a disconnect.</summary>
/// <param name="Disconnected">Streams that are being ended, on all replicas.</param>
/// <param name="Unreachable">Replicas that did not answer; whether they ended streams is not known.</param>
internal sealed record DisconnectView(int Disconnected, string[] Unreachable);
