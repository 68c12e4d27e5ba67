using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.Http;
using SseApp.Events.Log;

namespace SseApp.Events.Publishing;

/// <summary><c>POST /publish</c>: many events in one request, pipelined to Redis in their order.</summary>
internal sealed class BatchEndpoint(EventPublisher publisher, IOptions<PublishingOptions> options)
{
    private const int MaxTopicsPerItem = 64;

    private readonly PublishingOptions _options = options.Value;

    public async Task<IResult> HandleAsync(HttpContext context)
    {
        if (BodyFormat.Refuse(context) is { } refusal)
        {
            return refusal;
        }

        var body = await RequestBody.ReadAsync(context.Request, _options.MaxBatchBytes);
        if (body is null)
        {
            return Problems.TooLarge($"The body of a batch has at most {_options.MaxBatchBytes} bytes (Publishing:MaxBatchBytes).");
        }

        // What cannot be used costs its publisher as much as what is stored.
        context.Response.Headers[StreamHeaders.Stored] = StreamHeaders.WriteStored(0, body.Length);
        var (items, rule) = BatchParser.Parse(body, _options.MaxBatchItems);
        if (rule is not null)
        {
            return Problems.BadRequest("The batch is not valid.", rule);
        }

        // All are on their way before the first answer is awaited.
        var publishing = items.ConvertAll(parsed => parsed.Item is { } item ? Start(item) : Rejected(parsed.Error!));
        var results = new BatchItemResult[publishing.Count];
        var (events, bytes) = (0L, 0L);
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = await FinishAsync(i, publishing[i]);
            events += results[i].Events.Length;
            bytes += (long)publishing[i].Bytes * results[i].Events.Length;
        }

        context.Response.Headers[StreamHeaders.Stored] = StreamHeaders.WriteStored(events, Math.Max(bytes, body.Length));

        // Who looks at the status alone must not take for stored what is not.
        if (results.Length > 0 && results.All(result => result is { Error: not null, Outcome: not PublishOutcome.Unknown, Events.Length: 0 }))
        {
            return NothingStored(context, results);
        }

        var failed = results.Count(result => result.Error is not null);
        return TypedResults.Ok(new BatchResult(results.Length - failed, failed, results));
    }

    private static ProblemHttpResult NothingStored(HttpContext context, BatchItemResult[] results)
    {
        var members = KeyValuePair.Create<string, object?>("results", results);
        if (results.Any(result => result.Status == StatusCodes.Status503ServiceUnavailable))
        {
            return Problems.NotConfirmed(context, PublishErrors.Describe(PublishOutcome.NotStored), PublishOutcome.NotStored, members);
        }

        if (Array.Find(results, result => result.Status == StatusCodes.Status507InsufficientStorage) is { } full)
        {
            return Problems.Full(context, full.Error!, PublishOutcome.NotStored, members);
        }

        // The status of all items, if they have one.
        var status = results.All(result => result.Status == results[0].Status) ? results[0].Status : StatusCodes.Status400BadRequest;
        return TypedResults.Problem(
            "No item of the batch was stored; 'results' says why for each.",
            title: "The batch is not valid.",
            statusCode: status,
            extensions: [members]);
    }

    private static Publishing Rejected(string rule, int status = StatusCodes.Status400BadRequest) => new([], [], 0, new BatchItemResult(0, status, [], rule));

    private async Task<BatchItemResult> FinishAsync(int index, Publishing publishing)
    {
        if (publishing.Rejected is { } rejected)
        {
            return rejected with { Index = index };
        }

        var events = new List<PublishedEvent>(publishing.Topics.Length);
        string? outcome = null;
        Exception? full = null;
        var repeated = true;
        for (var i = 0; i < publishing.Topics.Length; i++)
        {
            try
            {
                var result = await publishing.Tasks[i];
                events.Add(publisher.Confirm(publishing.Topics[i], result));
                repeated &= result.Repeated;
            }
            catch (Exception exception) when (RedisErrors.IsFull(exception))
            {
                publisher.CountFull();
                full = exception;
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                // That some of it may be stored says more than that some of it is not.
                outcome = outcome == PublishOutcome.Unknown ? outcome : PublishErrors.Outcome(exception);
            }
        }

        if (full is not null && outcome is null)
        {
            return new BatchItemResult(
                index, StatusCodes.Status507InsufficientStorage, [.. events], PublishErrors.DescribeFull(full, partly: events.Count > 0), PublishOutcome.NotStored);
        }

        return outcome is not null
            ? new BatchItemResult(
                index, StatusCodes.Status503ServiceUnavailable, [.. events], PublishErrors.Describe(outcome, partly: events.Count > 0), outcome)
            : new BatchItemResult(index, repeated ? StatusCodes.Status200OK : StatusCodes.Status201Created, [.. events], null);
    }

    private Publishing Start(BatchItem item)
    {
        string[] topics = item.Topic is not null ? [item.Topic, .. item.Topics ?? []] : item.Topics ?? [];
        topics = topics.Length > 1 ? [.. topics.Distinct(StringComparer.Ordinal)] : topics;
        if (topics.Length is 0 or > MaxTopicsPerItem)
        {
            return Rejected($"An item names 1 to {MaxTopicsPerItem} topics, in 'topic' or 'topics'.");
        }

        if (item.Data.ValueKind == JsonValueKind.Undefined)
        {
            return Rejected("An item needs 'data'.");
        }

        byte[] data;
        try
        {
            data = Encoding.UTF8.GetBytes(item.Data.ValueKind == JsonValueKind.String ? item.Data.GetString()! : item.Data.GetRawText());
        }
        catch (InvalidOperationException)
        {
            // Bytes that are not UTF-8, or half of a surrogate pair, which JSON can write and UTF-8 cannot.
            return Rejected("The data must be well-formed text; it is not UTF-8, or has an escape such as \\ud800 without its other half.");
        }

        if (publisher.IsTooLarge(data))
        {
            return Rejected(publisher.SizeRule, StatusCodes.Status413PayloadTooLarge);
        }

        foreach (var topic in topics)
        {
            if (EventPublisher.Validate(topic, item.Event, data, item.IdempotencyKey, item.Key) is { } rule)
            {
                return Rejected(rule);
            }
        }

        var bytes = 0;
        var tasks = Array.ConvertAll(topics, topic => publisher.PublishAsync(topic, item.Event, data, item.IdempotencyKey, item.Key, out bytes));
        return new Publishing(topics, tasks, bytes, null);
    }

    /// <param name="Topics">Those of the item.</param>
    /// <param name="Tasks">The event on its way to each.</param>
    /// <param name="Bytes">What it takes in each log.</param>
    /// <param name="Rejected">Why nothing was sent.</param>
    private sealed record Publishing(string[] Topics, Task<AppendResult>[] Tasks, int Bytes, BatchItemResult? Rejected);
}

/// <summary>Answer of <c>POST /publish</c>: results in the order of the items.</summary>
internal sealed record BatchResult(int Stored, int Failed, BatchItemResult[] Results);

/// <summary>
/// What became of one item: the status it would have had alone, the events it stored (one for each of its topics), why it
/// was not stored, or not on every topic, and with 503 and 507 the <c>PublishOutcome</c> of the rest.
/// </summary>
internal sealed record BatchItemResult(int Index, int Status, PublishedEvent[] Events, string? Error, string? Outcome = null);
