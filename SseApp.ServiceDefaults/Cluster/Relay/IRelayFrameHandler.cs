namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>Takes the frames of one connection, in order, on one thread at a time.</summary>
internal interface IRelayFrameHandler
{
    /// <summary>The longest frame of this type that is taken; that much memory is reserved for one that says that it is so long.</summary>
    int MaxLength(RelayFrameType type) => type == RelayFrameType.Data ? RelayProtocol.MaxDataLength : RelayProtocol.MaxControlLength;

    /// <exception cref="RelayProtocolException">The frame ends the connection.</exception>
    void OnFrame(RelayFrameType type, ReadOnlySpan<byte> body);

    /// <summary>Called when all that has arrived was handled.</summary>
    /// <returns>True when that was so much work that others should have the thread first.</returns>
    bool OnPause();
}
