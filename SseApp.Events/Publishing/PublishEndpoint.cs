using Microsoft.Extensions.Primitives;
using SseApp.Events.Access;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Publishing;

/// <summary>
/// <c>POST /topics/{topic}/events</c>: the body is the data of one event. A plain request delegate that writes its answer
/// in one piece: binding and results of minimal APIs cost as much as all that is done here.
/// </summary>
internal sealed class PublishEndpoint(
    EventPublisher publisher, IdempotencyKeys keys, RequestBody bodies, RequestBudget budget, CredentialService credentials, AccessRefusal access, IOptions<PublishingOptions> options)
{
    private readonly int _maxBytes = options.Value.MaxEventBytes;

    public async Task HandleAsync(HttpContext context)
    {
        if (BodyFormat.Refuse(context) is { } refusal)
        {
            await refusal.ExecuteAsync(context);
            return;
        }

        var topic = TopicPaths.Name((string)context.Request.RouteValues["topic"]!);
        var principal = Caller.Of(context);
        var isName = Caller.IsCanary(context) ? TopicName.IsCanary(topic) : TopicName.IsValid(topic);
        if (isName && credentials.PublishedBy(principal, topic) is null)
        {
            await access.WriteDeniedAsync(context, principal, topic);
            return;
        }

        using var memory = budget.OpenSmall();
        var (data, fault) = await bodies.ReadAsync(context.Request, _maxBytes, memory);
        if (fault != BodyFault.None)
        {
            await RefuseAsync(context, memory, fault);
            return;
        }

        if (credentials.VerifyAgain(principal) is { Reason: { } reason } over)
        {
            await access.WriteAsync(context, reason, over.Detail!);
            return;
        }

        var query = context.Request.QueryString.HasValue ? context.Request.Query : QueryCollection.Empty;
        var type = query["event"];
        var key = query["key"];
        var idempotencyKey = context.Request.Headers["Idempotency-Key"];
        if (FindBrokenRule(isName, data.Span, type, key, idempotencyKey) is { } rule)
        {
            await Problems.BadRequest("The event is not valid.", rule).ExecuteAsync(context);
            return;
        }

        var length = EventPublisher.BlockLength(type, data.Span);
        if (!memory.TryTake(length))
        {
            await RefuseAsync(context, memory, BodyFault.NoMemory);
            return;
        }

        var client = idempotencyKey.Count > 0 ? CallerKey.Of(context) : null;
        if (client is not null && !keys.TryTake(client, 1))
        {
            await Problems.TooMany(context, keys.Rule, PublishRefusal.IdempotencyKeys, keys.RetryAfter).ExecuteAsync(context);
            return;
        }

        AppendResult result;
        try
        {
            var block = EventPublisher.Encode(type, data.Span, length);
            result = await (client is null
                ? publisher.PublishAsync(topic, block, null, key)
                : keys.CountAsync(client, publisher.PublishAsync(topic, block, IdempotencyKeys.Scope(client, idempotencyKey!), key)));
        }
        catch (Exception exception) when (RedisErrors.IsFull(exception))
        {
            publisher.CountFull(exception);
            await Problems.Full(context, PublishErrors.DescribeFull(exception), PublishErrors.FullCode(exception), PublishOutcome.NotStored).ExecuteAsync(context);
            return;
        }
        catch (Exception exception) when (RedisErrors.IsWrongType(exception))
        {
            publisher.CountForeign();
            await Problems.ForeignKey(PublishErrors.DescribeForeign(partly: false), PublishRefusal.Foreign).ExecuteAsync(context);
            return;
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            var outcome = PublishErrors.Outcome(exception);
            await Problems.NotConfirmed(context, PublishErrors.Describe(outcome, exception), outcome).ExecuteAsync(context);
            return;
        }

        context.Response.Headers[StreamHeaders.Stored] = StreamHeaders.WriteStored(1, length);
        await WriteAsync(context.Response, publisher.Confirm(topic, result), result.Repeated);
    }

    private Task RefuseAsync(HttpContext context, MemoryShare memory, BodyFault fault) =>
        (fault == BodyFault.TooLarge ? Problems.TooLarge(publisher.SizeRule)
            : memory.IsHopeless ? Problems.TooLarge(EventPublisher.MemoryRule)
            : publisher.Busy(context)).ExecuteAsync(context);

    private static string? FindBrokenRule(bool isName, ReadOnlySpan<byte> data, StringValues type, StringValues key, StringValues idempotencyKey) =>
        // A repeated parameter is a mistake that must not pass as the comma-joined value.
        type.Count > 1 || idempotencyKey.Count > 1 || key.Count > 1
            ? "'event', 'key' and 'Idempotency-Key' may be given once."
            : !isName ? TopicName.Rule
            : EventPublisher.Validate(type, data, idempotencyKey, key);

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
