using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.Events.Topics;

namespace SseApp.Events.TopicApi;

/// <summary><c>GET</c> and <c>DELETE /topics/{topic}</c>, and <c>GET /topics/{topic}/events</c>.</summary>
internal static class TopicEndpoint
{
    public static void MapTopics(this IEndpointRouteBuilder app)
    {
        app.MapGet("/topics/{topic}", DescribeAsync).WithName("TopicInfo");
        app.MapGet("/topics/{topic}/events", TopicHistory.HandleAsync).WithName("TopicHistory");
        app.MapDelete("/topics/{topic}", DeleteAsync).AddEndpointFilter<OperatorFilter>().WithName("DeleteTopic");
    }

    private static async Task<IResult> DescribeAsync(string topic, HttpContext context, ITopicLog log, TopicHubs hubs, ClusterSubscribers cluster)
    {
        topic = TopicName.FromRoute(topic);
        if (!TopicName.IsValid(topic))
        {
            return Problems.BadRequest("The topic is not valid.", TopicName.Rule);
        }

        try
        {
            var subscribed = log.CountSubscribedReplicasAsync(topic);
            var range = await log.GetRangeAsync(topic);
            var exists = range.Last > 0;
            var local = hubs.LocalSubscribers(topic);
            var replicas = await subscribed;
            // Nobody is asked about a topic that no other replica is subscribed to, whatever names somebody tries.
            var others = replicas > (local > 0 ? 1 : 0) ? await cluster.CountOthersAsync(topic) : default;
            return TypedResults.Ok(new TopicInfo(
                topic, exists ? range.Epoch.ToString() : null, exists ? range.First : 0, range.Last, local, local + others.Count, others.Unanswered, replicas));
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topic cannot be read. Ask again after the time in Retry-After.");
        }
    }

    private static async Task<IResult> DeleteAsync(string topic, HttpContext context, ITopicLog log)
    {
        topic = TopicName.FromRoute(topic);
        if (!TopicName.IsValid(topic))
        {
            return Problems.BadRequest("The topic is not valid.", TopicName.Rule);
        }

        try
        {
            return await log.DeleteAsync(topic) ? TypedResults.NoContent() : Problems.NotFound("The topic has no log.", "Nothing was published to it, or its events have expired.");
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topic may or may not be deleted. Delete it again after the time in Retry-After.");
        }
    }
}
