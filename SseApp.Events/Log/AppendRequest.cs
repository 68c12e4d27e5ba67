namespace SseApp.Events.Log;

/// <summary>An event on its way to Redis; its task is the answer to the publisher.</summary>
internal sealed class AppendRequest(string topic, string keys, ReadOnlyMemory<byte> block, string stamp, string? idempotencyKey)
    : TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public string Topic => topic;

    /// <summary>See <see cref="ClusterOptions.KeysOf"/>.</summary>
    public string Keys => keys;

    public ReadOnlyMemory<byte> Block => block;

    /// <summary>See <see cref="LogEntry.Stamp"/>.</summary>
    public string Stamp => stamp;

    public string? IdempotencyKey => idempotencyKey;

    /// <summary>What was known of the topic when the request was sent.</summary>
    public KnownTopic Known { get; set; }

    /// <summary>The time of sending if the request sets the log's expiry, else 0.</summary>
    public long ExpirySetAt { get; set; }
}

/// <summary>Where an event is stored; <paramref name="Repeated"/> when an earlier publish with the same key stored it.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct AppendResult(Position Position, bool Repeated);
