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

    private static async Task<IResult> ListTopicsAsync(
        ReplicaClient replicas, CancellationToken cancellationToken, string? prefix = null, string? after = null, int limit = Paging.DefaultLimit)
    {
        if (!Paging.IsValid(limit))
        {
            return BadRequest(Paging.Rule);
        }

        // Each replica gives its first topics, so the first ones of all are complete.
        var (answers, unreachable) = await replicas.AskAsync(
            HttpMethod.Get,
            "/admin/topics" + Query(("prefix", prefix), ("after", after), ("limit", $"{limit}")),
            OperatorJsonContext.Default.TopicActivityArray,
            cancellationToken);
        var topics = answers.SelectMany(topics => topics)
            .GroupBy(topic => topic.Topic, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Take(limit)
            // Every replica with a subscriber sees each event of the topic; what it writes is its own.
            .Select(group => new TopicActivity(
                group.Key, group.Sum(topic => topic.Subscribers), group.Max(topic => topic.PublishRate), Math.Round(group.Sum(topic => topic.DeliverRate), 2)))
            .ToArray();
        return TypedResults.Ok(new TopicPage(topics, topics.Length == limit ? topics[^1].Topic : null, unreachable));
    }

    private static async Task<IResult> ListConnectionsAsync(
        ReplicaClient replicas, CancellationToken cancellationToken, string? topic = null, string? after = null, int limit = Paging.DefaultLimit)
    {
        if (!Paging.IsValid(limit))
        {
            return BadRequest(Paging.Rule);
        }

        var (answers, unreachable) = await replicas.AskAsync(
            HttpMethod.Get,
            "/admin/connections" + Query(("topic", topic), ("after", after), ("limit", $"{limit}")),
            OperatorJsonContext.Default.ConnectionDetailsArray,
            cancellationToken);
        var connections = answers.SelectMany(connections => connections)
            .OrderBy(connection => connection.Id, StringComparer.Ordinal)
            .Take(limit)
            .ToArray();
        return TypedResults.Ok(new ConnectionPage(connections, connections.Length == limit ? connections[^1].Id : null, unreachable));
    }

    private static async Task<IResult> DisconnectAsync(
        string id, ReplicaClient replicas, CancellationToken cancellationToken, bool permanent = false)
    {
        var result = await SendDisconnectAsync($"/admin/connections/{Uri.EscapeDataString(id)}/disconnect", permanent, replicas, cancellationToken);
        return result switch
        {
            { Disconnected: > 0 } => TypedResults.Ok(result),
            { Unreachable.Length: 0 } => TypedResults.Problem(
                $"No replica holds a stream '{id}'; GET /admin/connections lists those that are open.",
                title: "There is no such connection.",
                statusCode: StatusCodes.Status404NotFound),
            _ => TypedResults.Problem(
                $"The stream is on none of the replicas that answered. These did not: {string.Join(", ", result.Unreachable)}. Try again.",
                title: "Not all replicas answered.",
                statusCode: StatusCodes.Status502BadGateway),
        };
    }

    private static async Task<IResult> DisconnectTopicAsync(
        string topic, ReplicaClient replicas, CancellationToken cancellationToken, bool permanent = false)
    {
        // Routing leaves %2F as it is, and escaping it again would name another topic.
        var name = topic.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
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

    internal static IResult BadRequest(string rule) =>
        TypedResults.Problem(rule, title: "The request is not valid.", statusCode: StatusCodes.Status400BadRequest);
}
