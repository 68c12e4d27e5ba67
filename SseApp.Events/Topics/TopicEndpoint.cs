using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <summary><c>GET /topics/{topic}</c>.</summary>
internal static class TopicEndpoint
{
    public static void MapTopics(this IEndpointRouteBuilder app) =>
        app.MapGet("/topics/{topic}", HandleAsync).WithName("TopicInfo");

    private static async Task<IResult> HandleAsync(string topic, HttpContext context, ITopicLog log, TopicHubs hubs)
    {
        topic = TopicName.FromRoute(topic);
        if (!TopicName.IsValid(topic))
        {
            return Problems.BadRequest("The topic is not valid.", TopicName.Rule);
        }

        try
        {
            var range = await log.GetRangeAsync(topic);
            var exists = range.Last > 0;
            return TypedResults.Ok(new TopicInfo(
                topic, exists ? range.Epoch.ToString() : null, exists ? range.First : 0, range.Last, hubs.LocalSubscribers(topic)));
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topic cannot be read. Ask again after the time in Retry-After.");
        }
    }
}
