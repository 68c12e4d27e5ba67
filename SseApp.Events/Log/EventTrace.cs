using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Events.Log;

/// <summary>
/// The way of an event from its publisher through Redis to its first delivery at each replica. No bytes for it go through Redis: the trace of
/// the deliveries has an id that follows from the event's position, so that replicas find the same one by themselves, and the publish has
/// a link to it. Of each topic one event of a hundred is traced, the first one included; no delivery to a single stream is.
/// </summary>
internal static class EventTrace
{
    private const int Every = 100;

    public static bool IsSampled(Position position) => position.Offset % Every == 1;

    /// <summary>Waits for the answer of the log, and records the publish if its request is recorded and the event is sampled.</summary>
    public static async Task<AppendResult> RecordAsync(Task<AppendResult> storing, string topic, ActivityContext request)
    {
        var began = TimeProvider.System.GetUtcNow();
        var result = await storing;
        if (!result.Repeated && IsSampled(result.Position))
        {
            using var span = SseTracing.Source.StartActivity(
                "publish", ActivityKind.Producer, request, Tags(topic, result.Position), [new ActivityLink(ContextOf(topic, result.Position))], began);
        }

        return result;
    }

    /// <summary>Begins the span of the first delivery of an event that has just come from Redis.</summary>
    public static Activity? Received(string topic, Position position)
    {
        if (!IsSampled(position) || !SseTracing.Source.HasListeners())
        {
            return null;
        }

        // It ends in another thread, and nothing here is a part of it.
        var current = Activity.Current;
        var span = SseTracing.Source.StartActivity("deliver", ActivityKind.Consumer, ContextOf(topic, position), Tags(topic, position));
        Activity.Current = current;
        return span;
    }

    private static KeyValuePair<string, object?>[] Tags(string topic, Position position) =>
    [
        new("messaging.system", "redis"),
        new("messaging.destination.name", topic),
        new("messaging.message.id", string.Create(CultureInfo.InvariantCulture, $"{position.Epoch}/{position.Offset}")),
    ];

    private static ActivityContext ContextOf(string topic, Position position)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{topic}\n{position.Epoch}\n{position.Offset}")));
        return new ActivityContext(ActivityTraceId.CreateFromBytes(hash.AsSpan(0, 16)), ActivitySpanId.CreateFromBytes(hash.AsSpan(16, 8)), ActivityTraceFlags.Recorded, isRemote: true);
    }
}
