using Microsoft.Extensions.Primitives;
using SseApp.Events.Http;
using SseApp.Events.Log;

namespace SseApp.Events.Publishing;

/// <summary>
/// <c>POST /topics/{topic}/events</c>: the body is the data of one event. A plain request delegate that writes its answer
/// in one piece: binding and results of minimal APIs cost as much as all that is done here.
/// </summary>
internal sealed class PublishEndpoint(EventPublisher publisher, IOptions<PublishingOptions> options)
{
    private readonly int _maxBytes = options.Value.MaxEventBytes;

    public async Task HandleAsync(HttpContext context)
    {
        if (BodyFormat.Refuse(context) is { } refusal)
        {
            await refusal.ExecuteAsync(context);
            return;
        }

        var topic = TopicName.FromRoute((string)context.Request.RouteValues["topic"]!);
        var data = await RequestBody.ReadAsync(context.Request, _maxBytes);
        if (data is null)
        {
            await Problems.TooLarge(publisher.SizeRule).ExecuteAsync(context);
            return;
        }

        var query = context.Request.QueryString.HasValue ? context.Request.Query : QueryCollection.Empty;
        var type = query["event"];
        var key = query["key"];
        var idempotencyKey = context.Request.Headers["Idempotency-Key"];
        if (FindBrokenRule(topic, data, type, key, idempotencyKey) is { } rule)
        {
            await Problems.BadRequest("The event is not valid.", rule).ExecuteAsync(context);
            return;
        }

        AppendResult result;
        int bytes;
        try
        {
            result = await publisher.PublishAsync(topic, type, data, idempotencyKey, key, out bytes);
        }
        catch (Exception exception) when (RedisErrors.IsFull(exception))
        {
            publisher.CountFull();
            await Problems.Full(context, PublishErrors.DescribeFull(exception), PublishOutcome.NotStored).ExecuteAsync(context);
            return;
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            var outcome = PublishErrors.Outcome(exception);
            await Problems.NotConfirmed(context, PublishErrors.Describe(outcome), outcome).ExecuteAsync(context);
            return;
        }

        context.Response.Headers[StreamHeaders.Stored] = StreamHeaders.WriteStored(1, bytes);
        await WriteAsync(context.Response, publisher.Confirm(topic, result), result.Repeated);
    }

    private static string? FindBrokenRule(string topic, byte[] data, StringValues type, StringValues key, StringValues idempotencyKey) =>
        // A repeated parameter is a mistake that must not pass as the comma-joined value.
        type.Count > 1 || idempotencyKey.Count > 1 || key.Count > 1
            ? "'event', 'key' and 'Idempotency-Key' may be given once."
            : EventPublisher.Validate(topic, type, data, idempotencyKey, key);

    private static async Task WriteAsync(HttpResponse response, PublishedEvent stored, bool repeated)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(stored, PublishingJsonContext.Default.PublishedEvent);
        response.StatusCode = repeated ? StatusCodes.Status200OK : StatusCodes.Status201Created;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.Length;
        await response.BodyWriter.WriteAsync(body);
    }
}

/// <summary>Where an event is stored. <paramref name="Id"/> is the SSE id that a stream of this topic alone gets with it.</summary>
internal sealed record PublishedEvent(string Topic, string Epoch, long Offset, string Id);
