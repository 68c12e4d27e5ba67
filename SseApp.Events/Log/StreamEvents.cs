namespace SseApp.Events.Log;

/// <summary>Data of <c>stream.open</c>. <paramref name="Resumed"/> says whether the stream continues where the client's position was.</summary>
internal sealed record StreamOpened(string Connection, string Replica, string[] Topics, bool Resumed);

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
