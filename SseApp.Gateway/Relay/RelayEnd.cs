namespace SseApp.Gateway.Relay;

/// <summary>How a relayed stream ended.</summary>
internal enum RelayEnd
{
    /// <summary>The replica ended it, or the gateway stops: the response ends as it should.</summary>
    Clean,

    /// <summary>The replica cut it off, or what is left could not be sent in time: the client's connection is cut.</summary>
    Cut,

    /// <summary>The client left.</summary>
    Left,

    /// <summary>The connection to the replica broke; the response ends as it should, and the client resumes elsewhere.</summary>
    Broken,
}
