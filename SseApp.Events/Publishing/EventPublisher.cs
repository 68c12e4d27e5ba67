using System.Text.Unicode;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;

namespace SseApp.Events.Publishing;

/// <summary>Checks an event, encodes it once, and appends it to its topic's log.</summary>
internal sealed class EventPublisher(ITopicLog log, EventsMetrics metrics, IOptions<PublishingOptions> options)
{
    /// <returns>The rule that the event breaks, or null; does not check its size.</returns>
    public static string? Validate(string? topic, string? type, ReadOnlySpan<byte> data, string? idempotencyKey, string? key)
    {
        if (!TopicName.IsValid(topic))
        {
            return TopicName.Rule;
        }

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

    public bool IsTooLarge(ReadOnlySpan<byte> data) => data.Length > options.Value.MaxEventBytes;

    public string SizeRule => $"The data of an event has at most {options.Value.MaxEventBytes} bytes (Publishing:MaxEventBytes).";

    /// <summary>
    /// Stores and announces a valid event. Calls made one after another are stored in that order.
    /// </summary>
    public Task<AppendResult> PublishAsync(string topic, string? type, ReadOnlySpan<byte> data, string? idempotencyKey, string? key, out int bytes)
    {
        var block = SseEncoder.Encode(type is EventType.Default ? null : type, data);
        bytes = block.Length;
        return log.AppendAsync(topic, block, idempotencyKey, key);
    }

    /// <summary>Counts an event that was not stored because there is no room.</summary>
    public void CountFull() => metrics.PublishRefused(PublishRefusal.Full);

    /// <summary>Counts a stored event, and makes the answer to its publisher.</summary>
    public PublishedEvent Confirm(string topic, AppendResult result)
    {
        if (!result.Repeated)
        {
            metrics.Published();
        }

        var id = PositionCodec.Encode(new TopicSet([topic]), [result.Position]);
        return new PublishedEvent(topic, result.Position.Epoch.ToString(), result.Position.Offset, id);
    }
}
