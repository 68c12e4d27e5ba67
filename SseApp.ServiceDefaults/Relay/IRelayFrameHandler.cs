namespace SseApp.ServiceDefaults.Relay;

/// <summary>Takes the frames of one connection, in order, on one thread at a time.</summary>
internal interface IRelayFrameHandler
{
    /// <exception cref="RelayProtocolException">The frame ends the connection.</exception>
    void OnFrame(RelayFrameType type, ReadOnlySpan<byte> body);

    /// <summary>Called when all that has arrived was handled.</summary>
    /// <returns>True when that was so much work that others should have the thread first.</returns>
    bool OnPause();
}
