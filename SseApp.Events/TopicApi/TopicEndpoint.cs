using SseApp.Events.Access;
using SseApp.Events.Archive;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Events.TopicApi;

/// <summary><c>GET</c> and, for operators, <c>DELETE /topics/{topic}</c>, and <c>GET /topics/{topic}/events</c>.</summary>
internal static class TopicEndpoint
{
    public static void MapTopics(this IEndpointRouteBuilder app)
    {
        var readable = app.MapGroup("").Needs(NeedKind.Subscribe).AddEndpointFilter<SubscribeFilter>();
        readable.MapGet("/topics/{topic}", DescribeAsync).WithName("TopicInfo");
        app.MapGet($"{EventStreams.Path}/position", (HttpContext context, PositionEndpoint endpoint) => endpoint.HandleAsync(context)).Needs(NeedKind.Subscribe).WithName("PositionInfo");
        app.MapGet(EventStreams.PositionPath, (HttpContext context, NowEndpoint endpoint) => endpoint.HandleAsync(context)).Needs(NeedKind.Subscribe).WithName("Position");
        readable.MapGet("/topics/{topic}/events", (string topic, HttpContext context, TopicHistory history) => history.HandleAsync(topic, context)).WithName("TopicHistory");
    }

    /// <summary>Maps what only operators may do.</summary>
    public static void MapDeletion(this IEndpointRouteBuilder operators)
    {
        operators.MapDelete("/topics/{topic}", (string topic, HttpContext context, TopicRemoval removal) => removal.DeleteAsync(topic, context));
        operators.MapDelete("/topics/{topic}/events", (string topic, HttpContext context, TopicRemoval removal) => removal.EraseAsync(topic, context)).Reads("key");
    }

    private static async Task<IResult> DescribeAsync(string topic, HttpContext context, ITopicLog log, HistoryReader history, TopicHubs hubs, ClusterSubscribers cluster)
    {
        topic = TopicPaths.Name(topic);
        if (!TopicName.IsValid(topic))
        {
            return Problems.BadRequest("The topic is not valid.", TopicName.Rule);
        }

        try
        {
            var subscribed = log.CountSubscribedReplicasAsync(topic);
            var range = await history.DescribeAsync(topic, context.RequestAborted);
            var exists = range.Epoch != default;
            var local = hubs.LocalSubscribers(topic);
            var replicas = await subscribed;
            // Nobody is asked about a topic that no other replica is subscribed to, whatever names somebody makes up.
            var others = replicas > (local > 0 ? 1 : 0) ? await cluster.CountOthersAsync(topic) : default;
            return TypedResults.Ok(new TopicInfo(
                topic,
                exists ? range.Epoch.ToString() : null,
                exists ? range.First : 0,
                range.End.Position.Offset,
                local,
                local + others.Count,
                others.Unanswered,
                replicas,
                [.. range.Earlier.Select(epoch => new EarlierEpoch(epoch.Epoch.ToString(), epoch.First, epoch.Last, epoch.FirstPublishedAt, epoch.LastPublishedAt))]));
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topic cannot be read. Ask again after the time in Retry-After.");
        }
        catch (ArchiveUnavailableException exception)
        {
            return Problems.ArchiveUnavailable(context, $"The topic cannot be described without the archive. {exception.Message}");
        }
    }
}

/// <summary>Answer of <c>GET /topics/{topic}</c>. Epoch is null and both offsets are 0 for a topic without a log.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Epoch">The log's epoch.</param>
/// <param name="FirstOffset">The oldest event that the log holds.</param>
/// <param name="LastOffset">The newest event.</param>
/// <param name="LocalSubscribers">Streams of the topic on this replica.</param>
/// <param name="ClusterSubscribers">Streams of the topic on this replica and on all others that answered.</param>
/// <param name="UnansweredReplicas">Replicas that did not answer within a second; there may be more streams on them.</param>
/// <param name="SubscribedReplicas">Replicas of the cluster that hold streams of the topic, or did a moment ago.</param>
/// <param name="EarlierEpochs">Logs that are over and archived, the oldest first; empty without an archive.</param>
internal sealed record TopicInfo(
    string Topic,
    string? Epoch,
    long FirstOffset,
    long LastOffset,
    int LocalSubscribers,
    int ClusterSubscribers,
    int UnansweredReplicas,
    long SubscribedReplicas,
    EarlierEpoch[] EarlierEpochs);

/// <summary>A log that is over, as <c>?epoch=</c> of the history reads it.</summary>
internal sealed record EarlierEpoch(string Epoch, long FirstOffset, long LastOffset, DateTimeOffset FirstPublishedAt, DateTimeOffset LastPublishedAt);
