using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.Publishing;

/// <summary><c>POST /publish</c>: many events in one request, pipelined to Redis in their order.</summary>
internal sealed class BatchEndpoint(EventPublisher publisher, IOptions<PublishingOptions> options)
{
    private const int MaxTopicsPerItem = 64;

    private readonly PublishingOptions _options = options.Value;

    public async Task<IResult> HandleAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context.Request, _options.MaxBatchBytes);
        if (body is null)
        {
            return Problems.TooLarge($"The body of a batch has at most {_options.MaxBatchBytes} bytes (Publishing:MaxBatchBytes).");
        }

        var (items, rule) = BatchParser.Parse(body, _options.MaxBatchItems);
        if (rule is not null)
        {
            return Problems.BadRequest("The batch is not valid.", rule);
        }

        // All are on their way before the first answer is awaited.
        var publishing = items.ConvertAll(parsed => parsed.Item is { } item ? Start(item) : Rejected(parsed.Error!));
        var results = new BatchItemResult[publishing.Count];
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = await FinishAsync(i, publishing[i]);
        }

        if (results.Length > 0 && results.All(result => result.Status == StatusCodes.Status503ServiceUnavailable))
        {
            return Problems.RedisUnavailable(context, results[0].Error!);
        }

        var failed = results.Count(result => result.Error is not null);
        return TypedResults.Ok(new BatchResult(results.Length - failed, failed, results));
    }

    private static Publishing Rejected(string rule) => new([], [], rule);

    private async Task<BatchItemResult> FinishAsync(int index, Publishing publishing)
    {
        if (publishing.Rule is not null)
        {
            return new BatchItemResult(index, StatusCodes.Status400BadRequest, [], publishing.Rule);
        }

        var events = new List<PublishedEvent>(publishing.Topics.Length);
        string? error = null;
        var repeated = true;
        for (var i = 0; i < publishing.Topics.Length; i++)
        {
            try
            {
                var result = await publishing.Tasks[i];
                events.Add(publisher.Confirm(publishing.Topics[i], result));
                repeated &= result.Repeated;
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                // That some of it may be stored says more than that some of it is not.
                error = error == PublishErrors.Unanswered ? error : PublishErrors.Describe(exception);
            }
        }

        var status = error is not null ? StatusCodes.Status503ServiceUnavailable
            : repeated ? StatusCodes.Status200OK : StatusCodes.Status201Created;
        return new BatchItemResult(index, status, [.. events], error);
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
            // Half of a surrogate pair, which JSON can write and UTF-8 cannot.
            return Rejected("The data must be well-formed text; it has an escape such as \\ud800 without its other half.");
        }

        foreach (var topic in topics)
        {
            if (publisher.Validate(topic, item.Event, data, item.IdempotencyKey, item.Key) is { } rule)
            {
                return Rejected(rule);
            }
        }

        return new Publishing(
            topics, Array.ConvertAll(topics, topic => publisher.PublishAsync(topic, item.Event, data, item.IdempotencyKey, item.Key)), null);
    }

    private sealed record Publishing(string[] Topics, Task<AppendResult>[] Tasks, string? Rule);
}
