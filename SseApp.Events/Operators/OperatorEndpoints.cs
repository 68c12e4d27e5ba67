using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.FanOut;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Events.Operators;

/// <summary>This replica's part of the operator API; gateways ask all replicas and put the answers together.</summary>
internal static class OperatorEndpoints
{
    public static void MapOperator(this IEndpointRouteBuilder app)
    {
        var admin = app.MapGroup("/admin");
        admin.MapGet("/process", Describe);
        admin.MapGet("/topics", ListTopics);
        admin.MapGet("/topics/{topic}", CountSubscribers);
        admin.MapGet("/logs", DescribeLogsAsync);
        admin.MapGet("/connections", ListConnectionsAsync);
        admin.MapPost("/connections/{id}/disconnect", DisconnectAsync);
        admin.MapPost("/topics/{topic}/disconnect", DisconnectTopicAsync);
        admin.MapRevocations();
    }

    private static JsonHttpResult<ProcessDetails> Describe(
        TopicHubs hubs, IOptions<StreamingOptions> streaming, IOptions<MemoryGuardOptions> memory, DescriptorSource source, IServiceProvider services)
    {
        var descriptors = source.Read();
        var topics = hubs.List("", null, int.MaxValue);
        return TypedResults.Json(
            ProcessDetails.Read(
                new ProcessRates(Math.Round(topics.Sum(topic => topic.PublishRate), 2), Math.Round(topics.Sum(topic => topic.DeliverRate), 2)),
                new ProcessLimits(
                    streaming.Value.MaxConnections,
                    streaming.Value.MaxTopics,
                    streaming.Value.MaxBacklogBytes,
                    memory.Value.Limit.Bytes,
                    descriptors is { Limit: < int.MaxValue and var limit } ? limit : null),
                descriptors,
                ChangedSetting.Of(services, typeof(OperatorEndpoints).Assembly, typeof(ProcessDetails).Assembly)),
            OperatorJsonContext.Default.ProcessDetails);
    }

    private static IResult ListTopics(
        TopicHubs hubs, string? prefix = null, string? after = null, int limit = Paging.DefaultLimit, string sort = TopicSort.Name) =>
        !TopicSort.IsValid(sort) ? Problems.BadRequest("The order is not valid.", TopicSort.Rule)
            : Paging.IsValid(limit)
            ? TypedResults.Json(
                sort == TopicSort.Busiest ? hubs.ListBusiest(prefix ?? "", limit) : hubs.List(prefix ?? "", after, limit), OperatorJsonContext.Default.TopicActivityArray)
            : Problems.BadRequest("The page is not valid.", Paging.Rule);

    private static async Task<IResult> DescribeLogsAsync(ITopicLog log, string[] topic)
    {
        if (topic.Length > Paging.DefaultLimit || !Array.TrueForAll(topic, TopicName.IsValid))
        {
            return Problems.BadRequest("The topics are not valid.", $"At most {Paging.DefaultLimit} topics are described. {TopicName.Rule}");
        }

        var logs = await Task.WhenAll(topic.Select(async name =>
        {
            var page = await log.ReadAsync(name, after: 0, maxEvents: 0, maxBytes: 0);
            return page.Last == 0
                ? new TopicLogInfo(name, null, 0, 0, null)
                : new TopicLogInfo(
                    name,
                    page.Epoch.ToString(),
                    page.First,
                    page.Last,
                    page.End.PublishedAtMicroseconds is > 0 and var at ? DateTimeOffset.UnixEpoch.AddMicroseconds(at) : null);
        }));
        return TypedResults.Json(logs, OperatorJsonContext.Default.TopicLogInfoArray);
    }

    private static JsonHttpResult<TopicSubscribers> CountSubscribers(string topic, TopicHubs hubs)
    {
        topic = TopicPaths.Name(topic);
        return TypedResults.Json(new TopicSubscribers(topic, hubs.LocalSubscribers(topic)), OperatorJsonContext.Default.TopicSubscribers);
    }

    private static async Task<IResult> ListConnectionsAsync(
        ConnectionList connections, CancellationToken cancellationToken, string? topic = null, string? after = null, int limit = Paging.DefaultLimit)
    {
        if (!Paging.IsValid(limit))
        {
            return Problems.BadRequest("The page is not valid.", Paging.Rule);
        }

        ulong? last = null;
        if (after is not null)
        {
            if (!TryParseId(after, out var parsed))
            {
                return Problems.BadRequest("The page is not valid.", "'after' is the id of a connection, 16 hexadecimal digits.");
            }

            last = parsed;
        }

        return TypedResults.Json(
            await connections.FindAsync(new ConnectionQuery(topic, last, limit), cancellationToken), OperatorJsonContext.Default.ConnectionDetailsArray);
    }

    private static async Task<IResult> DisconnectAsync(
        string id, ConnectionList connections, CancellationToken cancellationToken, bool permanent = false) =>
        TryParseId(id, out var wanted)
            ? TypedResults.Json(
                new DisconnectResult(await connections.DisconnectAsync(connection => connection.Id == wanted, permanent, cancellationToken)),
                OperatorJsonContext.Default.DisconnectResult)
            : Problems.BadRequest("The connection is not valid.", "The id of a connection has 16 hexadecimal digits.");

    private static async Task<IResult> DisconnectTopicAsync(
        string topic, ConnectionList connections, CancellationToken cancellationToken, bool permanent = false)
    {
        topic = TopicPaths.Name(topic);
        return TopicName.IsValid(topic)
            ? TypedResults.Json(
                new DisconnectResult(await connections.DisconnectAsync(connection => connection.IsSubscribedTo(topic), permanent, cancellationToken)),
                OperatorJsonContext.Default.DisconnectResult)
            : Problems.BadRequest("The topic is not valid.", TopicName.Rule);
    }

    private static bool TryParseId(string text, out ulong id)
    {
        id = 0;
        return text.Length == 16 && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);
    }
}
