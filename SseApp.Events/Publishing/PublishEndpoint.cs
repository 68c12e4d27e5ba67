using Microsoft.Extensions.Options;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.Events.Topics;
using StackExchange.Redis;

namespace SseApp.Events.Publishing;

/// <summary><c>POST /topics/{topic}/events</c>: the body is the data of one event.</summary>
internal static class PublishEndpoint
{
    public static async Task<IResult> HandleAsync(
        string topic, HttpContext context, EventPublisher publisher, IOptions<PublishingOptions> options)
    {
        topic = TopicName.FromRoute(topic);
        var data = await RequestBody.ReadAsync(context.Request, options.Value.MaxEventBytes);
        if (data is null)
        {
            return Problems.TooLarge(publisher.SizeRule);
        }

        var type = context.Request.Query["event"];
        var idempotencyKey = context.Request.Headers["Idempotency-Key"];
        var key = context.Request.Query["key"];
        // A repeated parameter is a mistake that must not pass as the comma-joined value.
        if (type.Count > 1 || idempotencyKey.Count > 1 || key.Count > 1)
        {
            return Problems.BadRequest("The event is not valid.", "'event', 'key' and 'Idempotency-Key' may be given once.");
        }

        if (publisher.Validate(topic, type, data, idempotencyKey, key) is { } rule)
        {
            return Problems.BadRequest("The event is not valid.", rule);
        }

        try
        {
            var (stored, repeated) = await publisher.PublishAsync(topic, type, data, idempotencyKey, key);
            return repeated ? TypedResults.Ok(stored) : TypedResults.Created((string?)null, stored);
        }
        catch (RedisTimeoutException)
        {
            return Problems.RedisUnavailable(context, PublishErrors.Unanswered);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, PublishErrors.NotStored);
        }
    }
}
