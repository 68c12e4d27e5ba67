namespace SseApp.Events.Log;

/// <summary>
/// Tells a client that an operator does not want it back. A native EventSource gives up for ever only when its
/// reconnection is answered with a status like 204 (https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface),
/// and all that it sends back of what it was told is the last id; so this id is the message to whichever replica is next.
/// </summary>
internal static class StreamClosed
{
    /// <summary>Beside the alphabet of positions, and still sent across origins without a preflight.</summary>
    public const string Id = "stream.closed";

    public static ReadOnlySpan<byte> Event => "id: stream.closed\nevent: stream.closed\ndata: {\"reason\":\"operator\"}\n\n"u8;
}
