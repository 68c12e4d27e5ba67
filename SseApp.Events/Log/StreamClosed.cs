namespace SseApp.Events.Log;

/// <summary>
/// The last event of a client that an operator does not want to reconnect. A native EventSource stops only when its
/// reconnection is answered with a status like 204 (https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface),
/// and all that it sends with it is the last id; so this id is the message to whichever replica answers.
/// </summary>
internal static class StreamClosed
{
    /// <summary>Beside the alphabet of positions, and still sent across origins without a preflight.</summary>
    public const string Id = "stream.closed";

    public static ReadOnlySpan<byte> Event => "id: stream.closed\nevent: stream.closed\ndata: {\"reason\":\"operator\"}\n\n"u8;
}
