using System.Diagnostics;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.Events.Log;

namespace SseApp.Events.Publishing;

/// <summary>Checks an event, encodes it once, and appends it to its topic's log.</summary>
internal sealed class EventPublisher(ITopicLog log, EventsMetrics metrics, IOptions<PublishingOptions> options)
{
    /// <returns>The rule that the event breaks, or null; checks neither its topics nor its size.</returns>
    public static string? Validate(string? type, ReadOnlySpan<byte> data, string? idempotencyKey, string? key)
    {
        if (type is not null && !EventType.IsValid(type))
        {
            return EventType.Rule;
        }

        if (idempotencyKey is not null && !IdempotencyKey.IsValid(idempotencyKey))
        {
            return IdempotencyKey.Rule;
        }

        if (key is not null && !EventKey.IsValid(key))
        {
            return EventKey.Rule;
        }

        return Utf8.IsValid(data) ? null : "The data must be well-formed UTF-8.";
    }

    /// <summary>Bytes that an event takes in the log of each of its topics, and in memory until it is stored.</summary>
    public static int BlockLength(string? type, ReadOnlySpan<byte> data) => SseEncoder.Length(Encoded(type), data);

    /// <summary>Encodes a valid event for all its topics.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="data">Its data.</param>
    /// <param name="length">The answer of <see cref="BlockLength"/>.</param>
    public static byte[] Encode(string? type, ReadOnlySpan<byte> data, int length) => SseEncoder.Encode(Encoded(type), data, length);

    public string SizeRule => $"The data of an event has at most {options.Value.MaxEventBytes} bytes (Publishing:MaxEventBytes).";

    /// <summary>Of what no idle replica has the memory for.</summary>
    public const string MemoryRule =
        "It needs more memory than Memory:RequestBudget allows. Send it in parts, or raise the budget.";

    /// <summary>
    /// Stores and announces an event that <see cref="Encode"/> made. Calls made one after another are stored in that order.
    /// </summary>
    public Task<AppendResult> PublishAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey, string? key)
    {
        var storing = log.AppendAsync(topic, block, idempotencyKey, key);
        return Activity.Current is { Recorded: true } request ? EventTrace.RecordAsync(storing, topic, request.Context) : storing;
    }

    /// <summary>Counts an event that was not stored because there is no room.</summary>
    public void CountFull(Exception exception) => metrics.PublishRefused(PublishErrors.FullCode(exception));

    /// <summary>Counts an event that was not stored because of what lies under its topic's key.</summary>
    public void CountForeign() => metrics.PublishRefused(PublishRefusal.Foreign);

    /// <summary>Counts an item for which the client's rate has no room.</summary>
    public void CountOverRate() => metrics.PublishRefused(PublishRefusal.Rate);

    /// <summary>Counts a batch that would store more than it may.</summary>
    public void CountTooLarge() => metrics.PublishRefused(PublishRefusal.BatchTooLarge);

    /// <summary>Counts a stream whose body did not go on.</summary>
    public void CountTooSlow() => metrics.PublishRefused(PublishRefusal.TooSlow);

    /// <summary>Counts an event for which there is no memory.</summary>
    public void CountBusy() => metrics.PublishRefused(PublishRefusal.Busy);

    /// <summary>Counts a publish that was refused because it needs more memory than is left, and answers it.</summary>
    public ProblemHttpResult Busy(HttpContext context)
    {
        CountBusy();
        return Problems.Busy(
            context,
            "Other requests hold all the memory that this replica has for them (Memory:RequestBudget). Nothing was stored; publish again after the time in Retry-After.",
            new KeyValuePair<string, object?>(PublishOutcome.Member, PublishOutcome.NotStored));
    }

    /// <summary>Counts a stored event, and makes the answer to its publisher.</summary>
    public PublishedEvent Confirm(string topic, AppendResult result)
    {
        Count(topic, result);
        var id = PositionCodec.Encode(TopicSet.Of(topic), [result.Position]);
        return new PublishedEvent(topic, result.Position.Epoch.ToString(), result.Position.Offset, id);
    }

    /// <summary>Counts a stored event.</summary>
    public void Count(string topic, AppendResult result)
    {
        if (!result.Repeated && !TopicName.IsCanary(topic))
        {
            metrics.Published();
        }
    }

    private static string? Encoded(string? type) => type is EventType.Default ? null : type;
}
